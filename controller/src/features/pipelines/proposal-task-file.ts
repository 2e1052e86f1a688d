// Where the tasks of proposals are; they run on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const proposalTasks: TaskFile<typeof import('./proposal-tasks.ts')> = {
  url: new URL('./proposal-tasks.ts', import.meta.url).href,
}
