// Where the tasks on included templates are; they run on workers' threads only.
import type { TaskFile } from '../../../platform/workers.ts'

export const includeTasks: TaskFile<typeof import('./include-tasks.ts')> = {
  url: new URL('./include-tasks.ts', import.meta.url).href,
}
