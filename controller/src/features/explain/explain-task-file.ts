// Where the task of explaining is; it runs on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const explainTasks: TaskFile<typeof import('./explain-tasks.ts')> = {
  url: new URL('./explain-tasks.ts', import.meta.url).href,
}
