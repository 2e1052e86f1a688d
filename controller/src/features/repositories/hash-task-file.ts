// Where the tasks on files of a commit are; they run on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const hashTasks: TaskFile<typeof import('./hash-tasks.ts')> = {
  url: new URL('./hash-tasks.ts', import.meta.url).href,
}
