// Where the tasks on pipeline files and drafts are; they run on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const draftTasks: TaskFile<typeof import('./draft-tasks.ts')> = {
  url: new URL('./draft-tasks.ts', import.meta.url).href,
}
