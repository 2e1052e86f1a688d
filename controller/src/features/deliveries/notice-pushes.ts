// What has come to a server that says nothing: branches and tags that lead elsewhere than at the look before become a delivery, as if
// its hook had sent it.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { GitRefs } from '../../platform/git/git.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'
import { keepDelivery } from './inbox.ts'
import type { WorkOffDeps } from './outcome.ts'
import { noticedEvent } from './read-delivered.ts'

const zeros = '0'.repeat(40)
/** In one delivery, as one of a hook may hold. */
const mostRefs = 100

interface Update {
  ref: string
  before: string
  after: string
}

export async function noticePushes(
  deps: WorkOffDeps,
  repository: RepositoryRow,
  { refs, more }: GitRefs,
): Promise<void> {
  const { db, bus, clock, repositories } = deps
  const now = new Map(refs.map(({ name, commit }) => [name, commit]))
  const known = await repositories.knownRefs(db.em(), repository.id)
  if (!known) return db.transaction((em) => repositories.keepRefs(em, repository, now))
  const updates = updatesOf(known, now, more)
  if (updates.length === 0) return
  // Its hook may have told of them: that is known once all of it is decided.
  const open = { repositoryId: repository.id, result: RepositoryDeliveryResult.TAKEN }
  if ((await db.em().count(RepositoryDeliveryEntity, open)) > 0) return
  const news = await untold(deps, repository, updates)
  const some = news.slice(0, mostRefs)
  for (const { ref, after } of some) {
    if (after === zeros) known.delete(ref)
    else known.set(ref, after)
  }
  // What is left over is told at the next look.
  const next = news.length > some.length ? known : now
  if (some.length === 0) return db.transaction((em) => repositories.keepRefs(em, repository, next))
  const delivery = {
    repository,
    name: null,
    event: noticedEvent,
    headers: [['content-type', 'application/json'] as [string, string]],
    body: Buffer.from(JSON.stringify(some)),
    receivedAt: clock.now(),
    answeredMs: 0,
    repeats: null,
  }
  await keepDelivery(deps, delivery, (em) => repositories.keepRefs(em, repository, next))
  bus.publish('delivery.due', {})
}

/** `more`: there are refs that are not listed, so one that is not there tells nothing. */
function updatesOf(known: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>, more: boolean): Update[] {
  const updates: Update[] = []
  for (const [ref, after] of now) {
    const before = known.get(ref) ?? (more ? after : zeros)
    if (before !== after) updates.push({ ref, before, after })
  }
  if (more) return updates
  for (const [ref, before] of known) if (!now.has(ref)) updates.push({ ref, before, after: zeros })
  return updates
}

async function untold({ db }: WorkOffDeps, { id }: RepositoryRow, updates: Update[]): Promise<Update[]> {
  const rows = await db
    .em()
    .find(RepositoryDeliveryEntity, { repositoryId: id, commit: { $ne: '' } }, { fields: ['ref', 'commit'] })
  const told = new Set(rows.map(({ ref, commit }) => `${commit} ${ref}`))
  return updates.filter(({ ref, after }) => !told.has(`${after} ${ref.replace(/^refs\/(?:heads|tags)\//, '')}`))
}
