// Where the task of reading deliveries is; it runs on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const forgeTasks: TaskFile<typeof import('./forge-tasks.ts')> = {
  url: new URL('./forge-tasks.ts', import.meta.url).href,
}
