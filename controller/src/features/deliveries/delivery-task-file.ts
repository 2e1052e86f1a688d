// Where the tasks on deliveries are; they run on workers' threads only.
import type { TaskFile } from '../../platform/workers.ts'

export const deliveryTasks: TaskFile<typeof import('./delivery-tasks.ts')> = {
  url: new URL('./delivery-tasks.ts', import.meta.url).href,
}
