// What a delivery tells of, read in a worker: others wrote it.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Workers } from '../../platform/workers.ts'
import { type ForgeEvent, forgeTasks } from '../forges/index.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import { bodyOf } from './inbox.ts'

/** What such deliveries are called; they are read as those of plain git servers. */
export const noticedEvent = 'poll'

/** What it tells of; undefined: its body is no JSON. */
export async function readDelivered(
  workers: Workers,
  row: Pick<RepositoryDeliveryRow, 'event' | 'headers' | 'body'>,
  forge: ForgeKind,
  repositoryId: string,
): Promise<ForgeEvent[] | undefined> {
  const headers = Object.fromEntries(JSON.parse(row.headers) as [string, string][])
  const kind = row.event === noticedEvent ? ForgeKind.GIT : forge
  return workers.run(forgeTasks, 'readDelivery', { kind, headers, body: await bodyOf(row) }, repositoryId)
}
