// What somebody asks to be explained, as a forge would tell of it.
import { invalid, invalidField, notFound, precondition, violation } from '@ansflow/proto/errors'
import type { ExplainEventRequest, PastedEvent, PushedState } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { say } from '@ansflow/proto/texts/say'
import type { EntityManager } from '../../platform/db.ts'
import type { GitMirror } from '../../platform/git/git.ts'
import type { Workers } from '../../platform/workers.ts'
import { type ForgeEvent, forgeTasks, type OpenConnection } from '../forges/index.ts'
import type { PullRequests, RepositoryRow } from '../repositories/index.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'
import type { RerunDelivery } from './judge-rerun.ts'
import { readDelivered } from './read-delivered.ts'

export interface ToExplain {
  events: ForgeEvent[]
  delivery: { id: string } & RerunDelivery
  /** It has come before. */
  isRepeat: boolean
  /** It has not come from the forge, nor is it what deliveries told of. */
  isUnsigned?: boolean
}

export interface Around {
  em: EntityManager
  workers: Workers
  repository: RepositoryRow
  connection: OpenConnection
  pullRequests: Pick<PullRequests, 'known'>
  mirror: GitMirror
  signal: AbortSignal
  /** Whose share of the workers it takes. */
  by: string
}

const longestBody = 1024 * 1024
const noBody = 'Its signature was wrong, so nothing of it is believed.'

export async function eventsToExplain(around: Around, { event }: ExplainEventRequest): Promise<ToExplain> {
  switch (event.case) {
    case 'deliveryId':
      return delivered(around, event.value)
    case 'pasted':
      return pasted(around, event.value)
    case 'pullRequest':
      return { ...fromHere('pull_request'), events: [await requested(around, event.value)] }
    case 'pushed':
    case undefined:
      return { ...fromHere('push'), events: [await pushed(around, event.value)] }
  }
}

function fromHere(event: string) {
  return { delivery: unsent(event), isRepeat: true }
}

function unsent(event: string): ToExplain['delivery'] {
  return { id: '', event, byApp: false, decisions: '[]' }
}

async function delivered({ em, workers, repository, connection }: Around, id: string): Promise<ToExplain> {
  const row = await em.findOne(RepositoryDeliveryEntity, { id, repositoryId: repository.id })
  if (!row) throw notFound('delivery', id)
  if (row.body === null) throw precondition('delivery_refused', noBody)
  const events = await readDelivered(workers, row, connection.forge.kind, repository.id)
  if (!events) throw invalidField('delivery_id', 'must be of a delivery with a body of JSON')
  return { events, delivery: row, isRepeat: true }
}

async function pasted({ workers, connection, by }: Around, { event, body }: PastedEvent): Promise<ToExplain> {
  if (body.length > longestBody) throw invalidField('pasted.body', `must have at most ${longestBody} characters`)
  const { kind, eventHeader } = connection.forge
  const headers = { 'content-type': 'application/json', [eventHeader]: event.trim() }
  const events = await workers.run(forgeTasks, 'readDelivery', { kind, headers, body: Buffer.from(body) }, by)
  if (events) return { events, delivery: unsent(event.trim()), isRepeat: false, isUnsigned: true }
  throw invalid([
    violation('pasted.body', say('delivery_json_at', await workers.run(forgeTasks, 'findFault', body, by))),
  ])
}

async function requested({ pullRequests, repository }: Around, number: number): Promise<ForgeEvent> {
  const pullRequest = await pullRequests.known(repository, number)
  if (!pullRequest) throw notFound('pull request', `#${number}`)
  const from = { repository: repository.fullName, sender: pullRequest.author }
  return { kind: 'pull_request', action: 'updated', pullRequest, ...from }
}

async function pushed(
  { mirror, repository, signal }: Around,
  { branch = '', tag = '', commit = '' }: Partial<PushedState> = {},
): Promise<ForgeEvent> {
  if (branch !== '' && tag !== '') throw invalidField('pushed.tag', 'must be empty where there is a branch')
  if (tag !== '' && commit !== '') throw invalidField('pushed.commit', 'must be empty where there is a tag')
  if (commit === '' || !(await mirror.commit(commit))) await mirror.fetch(signal)
  const name = tag || branch || repository.defaultBranch
  const ref = `refs/${tag === '' ? 'heads' : 'tags'}/${name}`
  const head = await mirror.commit(ref)
  if (!head) throw notFound(tag === '' ? 'branch' : 'tag', name)
  const found = commit === '' ? head : await mirror.commit(commit)
  if (!found) throw notFound('commit', commit)
  const { id: after, parents, message, author } = found
  const from = { repository: repository.fullName, sender: '' }
  const of = { ref, branch: tag === '' ? name : '', tag, message, author }
  return { kind: 'push', ...of, before: tag === '' ? (parents[0] ?? '') : '', after, ...from }
}
