// Where an app sends to, whatever repository it is about. Once its signature is right, what it names is looked for among the
// repositories of the connection, and it is a delivery of theirs as others are.
import { AppError } from '@ansflow/proto/errors'
import { CredentialKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import type { Workers } from '../../platform/workers.ts'
import type { Answer, PostRequest, PostRoute } from '../../transport/routes.ts'
import { type ConnectionRow, type Connections, type Forge, forgeOf, forgeTasks } from '../forges/index.ts'
import type { Repositories } from '../repositories/index.ts'
import type { AnswersFirst } from './answers-first.ts'
import { answer, longestDelivery, received } from './deliveries.route.ts'
import { keepDelivery } from './inbox.ts'
import { maskedBody } from './masked-body.ts'
import { maskedHeaders } from './masked-headers.ts'

export interface AppHookDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  workers: Workers
  connections: Pick<Connections, 'find' | 'hookSecret' | 'hookTold'>
  repositories: Pick<Repositories, 'named'>
  answers: AnswersFirst
}

interface Known {
  connection: ConnectionRow
  forge: Forge
  secret: string
  began: number
}

export function appHookRoute(deps: AppHookDeps): PostRoute {
  const { db, clock, log, connections } = deps
  const known = new WeakMap<PostRequest, Known>()

  async function note(connection: ConnectionRow, was: 'delivered' | 'refused'): Promise<void> {
    await connections
      .hookTold(connection, was)
      .catch((error: unknown) => log.warn({ err: error }, 'that an app has sent something could not be noted'))
  }

  return {
    method: 'POST',
    path: '/hooks/connections/:connection',
    bodyLimit: longestDelivery,
    program: true,
    access: {
      async signed(request) {
        const began = performance.now()
        const connection = await connections.find(db.em(), request.params.connection ?? '')
        if (connection?.credentialKind !== CredentialKind.APP) {
          throw new AppError('not_found', 'There is nothing here.')
        }
        const forge = forgeOf(connection.kind)
        const secret = await connections.hookSecret(db.em(), connection)
        if (!forge.isSigned(request.headers, request.body, secret, clock.now())) {
          await note(connection, 'refused')
          throw new AppError('unauthenticated', 'The signature is wrong: is it the webhook secret of this connection?')
        }
        known.set(request, { connection, forge, secret, began })
      },
    },
    async handle(request) {
      const sender = known.get(request)!
      const answered = await take(deps, sender, request)
      await note(sender.connection, 'delivered')
      return answered
    },
  }
}

async function take(deps: AppHookDeps, { connection, forge, secret, began }: Known, request: PostRequest) {
  const { db, bus, workers, repositories } = deps
  const headers = Object.fromEntries(maskedHeaders(request.headers))
  const asked = { kind: forge.kind, headers, body: request.body }
  const events = (await workers.run(forgeTasks, 'readDelivery', asked, connection.id)) ?? []
  // An app hears of each check that AnsFlow itself makes: that would push out what is worth looking at.
  const told = events.find((each) => each.kind !== 'ignored' || each.why !== 'unknown')
  if (!told?.repository) return skipped('event')
  const named = await repositories.named(db.em(), connection.id, told.repository)
  if (named.length === 0) return skipped('repository')
  const body = maskedBody(request.body, { secret, fields: forge.secretFields ?? [] })
  const deliveries: string[] = []
  let isNew = false
  for (const repository of named) {
    const delivery = { ...received(deps, request, { repository, forge, began }), body, byApp: true }
    const { id, again } = await keepDelivery(deps, delivery)
    deliveries.push(id)
    isNew ||= !again
  }
  deps.answers.answered(performance.now() - began)
  if (!isNew) return answer(200, { deliveries, skipped: 'again' })
  bus.publish('delivery.due', {})
  return answer(202, { deliveries })
}

function skipped(why: 'event' | 'repository'): Answer {
  return answer(200, { skipped: why })
}
