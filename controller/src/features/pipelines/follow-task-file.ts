// Where the task is that holds a draft against its file; it runs on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const followTasks: TaskFile<typeof import('./follow-tasks.ts')> = {
  url: new URL('./follow-tasks.ts', import.meta.url).href,
}
