// Where forges send to. A body is believed once its signature is right, and is stored before it is answered; what becomes of it is
// decided afterwards.
import { AppError } from '@ansflow/proto/errors'
import { saidText } from '@ansflow/proto/texts/said-text'
import { say } from '@ansflow/proto/texts/say'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { meter } from '../../platform/rate.ts'
import type { Answer, PostRequest, PostRoute } from '../../transport/routes.ts'
import type { Forge } from '../forges/index.ts'
import { hookSecret, type Repositories, type RepositoryRow } from '../repositories/index.ts'
import type { AnswersFirst } from './answers-first.ts'
import { keepDelivery, type NewDelivery, noteRefused } from './inbox.ts'
import { maskedBody } from './masked-body.ts'
import { maskedHeaders } from './masked-headers.ts'

export interface DeliveriesRouteDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
  log: Logger
  repositories: Repositories
  answers: AnswersFirst
  forgeOf(repository: RepositoryRow): Promise<Forge | undefined>
}

interface Known {
  repository: RepositoryRow
  forge: Forge
  began: number
}

const mebibyte = 1024 * 1024
export const longestDelivery = 8 * mebibyte
/** Those of one repository that are noted. */
const refusals = { perSecond: 1, burst: 10 }

export function deliveriesRoute(deps: DeliveriesRouteDeps): PostRoute {
  const { db, clock, keys, log } = deps
  const noted = meter(refusals)
  const known = new WeakMap<PostRequest, Known>()

  return {
    method: 'POST',
    path: '/hooks/repositories/:repository',
    bodyLimit: longestDelivery,
    program: true,
    access: {
      async signed(request) {
        const began = performance.now()
        const repository = await deps.repositories.find(db.em(), request.params.repository ?? '')
        const forge = repository && (await deps.forgeOf(repository))
        if (!repository || !forge) throw new AppError('not_found', 'There is nothing here.')
        if (!forge.isSigned(request.headers, request.body, hookSecret(keys, repository), clock.now())) {
          if (noted.waitMs(repository.id) === 0) {
            noted.spend(repository.id, 1)
            const said = say('delivery_signature')
            await noteRefused(
              db,
              received(deps, request, { repository, forge, began }),
              saidText(said),
              JSON.stringify(said),
            ).catch((error: unknown) => log.warn({ err: error }, 'a refused delivery could not be noted'))
          }
          throw new AppError('unauthenticated', 'The signature is wrong: is it the secret of this repository?')
        }
        known.set(request, { repository, forge, began })
      },
    },
    handle: (request) => take(deps, known.get(request)!, request),
  }
}

async function take(deps: DeliveriesRouteDeps, known: Known, request: PostRequest): Promise<Answer> {
  const delivery = received(deps, request, known)
  const secrets = { secret: hookSecret(deps.keys, known.repository), fields: known.forge.secretFields ?? [] }
  const { id, again } = await keepDelivery(deps, { ...delivery, body: maskedBody(request.body, secrets) })
  deps.answers.answered(performance.now() - known.began)
  if (again) return answer(200, { delivery: id, skipped: 'again' })
  deps.bus.publish('delivery.due', {})
  return answer(202, { delivery: id })
}

export function received(
  { clock }: Pick<DeliveriesRouteDeps, 'clock'>,
  request: PostRequest,
  known: Known,
): NewDelivery {
  const { repository, forge, began } = known
  const header = (name: string) => {
    const value = name === '' ? undefined : request.headers[name]
    return Array.isArray(value) ? value.join(', ') : (value ?? '')
  }
  return {
    repository,
    name: header(forge.deliveryHeader).slice(0, 255) || null,
    event: header(forge.eventHeader),
    headers: maskedHeaders(request.headers),
    body: request.body,
    receivedAt: clock.now(),
    answeredMs: Math.round(performance.now() - began),
    repeats: null,
  }
}

export function answer(status: number, body: Record<string, string | string[]>): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) }
}
