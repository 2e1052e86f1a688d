// Registration: a person makes a token, an agent trades it for an identity, once.
import { AppError, invalid } from '@ansflow/proto/errors'
import type { RegisterRequest } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { HostFacts } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { HostFactsSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { create } from '@bufbuild/protobuf'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { AgentEntity } from './agent.entity.ts'
import { hostColumn } from './agent-tables.ts'
import { RegistrationTokenEntity } from './registration-token.entity.ts'

const tokenMs = 60 * 60 * 1000

/** Prefixes tell secret scanners, and the sign-in, what a token is. */
export const registrationPrefix = 'afr_'
export const agentPrefix = 'afa_'

export interface RegistrationDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
}

export async function makeRegistrationToken(
  em: EntityManager,
  { clock, keys }: Pick<RegistrationDeps, 'clock' | 'keys'>,
  organizationId: string,
  token = randomToken(registrationPrefix),
): Promise<{ token: string; expiresAt: Date }> {
  const createdAt = clock.now()
  const expiresAt = new Date(createdAt.getTime() + tokenMs)
  em.create(RegistrationTokenEntity, {
    id: uuidv7(),
    organizationId,
    tokenHash: keys.hashToken(token),
    createdAt,
    expiresAt,
    usedAt: null,
    agentId: null,
  })
  await em.flush()
  return { token, expiresAt }
}

export interface AgentFacts {
  labels: string[]
  slots: number
  version: string
  host?: HostFacts | undefined
}

const label = /^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}$/
const maxLabels = 30
const maxSlots = 1024
const maxHostBytes = 16_000

/** Columns for what an agent says of itself; throws when it makes no sense. */
export function factColumns({ labels, slots, version, host }: AgentFacts) {
  const violations = labels
    .filter((word) => !label.test(word))
    .map((word) => ({ field: 'labels', message: `${JSON.stringify(word.slice(0, 80))} is not a label` }))
  if (labels.length > maxLabels) violations.push({ field: 'labels', message: `has more than ${maxLabels} entries` })
  if (slots < 1 || slots > maxSlots) violations.push({ field: 'slots', message: `must be 1 to ${maxSlots}` })
  const hostText = hostColumn(host ?? create(HostFactsSchema))
  if (hostText.length > maxHostBytes) violations.push({ field: 'host', message: 'is too long' })
  if (violations.length > 0) throw invalid(violations)
  return { labels: [...new Set(labels)].join(' '), slots, version: version.slice(0, 64), host: hostText }
}

/** Answers the new identity. Trading the same token again is refused. */
export async function registerAgent(
  { db, bus, clock, keys }: RegistrationDeps,
  request: RegisterRequest,
): Promise<{ agentId: string; agentSecret: string }> {
  const name = request.name.trim().slice(0, 100) || 'agent'
  const facts = factColumns(request)
  const agentSecret = randomToken(agentPrefix)
  const agentId = uuidv7()
  const tokenHash = keys.hashToken(request.token)
  // Looked for before anything is written: whoever only guesses takes nobody's turn.
  const open = { tokenHash, usedAt: null, expiresAt: { $gt: clock.now() } }
  if ((await db.em().count(RegistrationTokenEntity, open)) === 0) throw wrongToken()
  const organizationId = await db.transaction(async (em) => {
    const now = clock.now()
    const used = await em.nativeUpdate(
      RegistrationTokenEntity,
      { tokenHash, usedAt: null, expiresAt: { $gt: now } },
      { usedAt: now, agentId },
    )
    const token = used === 1 ? await em.findOne(RegistrationTokenEntity, { tokenHash }) : null
    if (!token) throw wrongToken()
    em.create(AgentEntity, {
      id: agentId,
      organizationId: token.organizationId,
      name: await freeName(em, token.organizationId, name),
      secretHash: keys.hashToken(agentSecret),
      ...facts,
      capabilities: '',
      load: null,
      draining: false,
      sessionId: null,
      leftAt: null,
      lastSeenAt: null,
      registeredAt: now,
    })
    await em.flush()
    return token.organizationId
  })
  bus.publish('agent.changed', { agentId, organizationId })
  return { agentId, agentSecret }
}

function wrongToken(): AppError {
  return new AppError(
    'permission_denied',
    'This registration token is unknown, used or too old. Make a new one on the agents page.',
    { reason: 'registration_token_invalid' },
  )
}

/** People tell agents apart by name, and a reinstalled host brings its old one. */
async function freeName(em: EntityManager, organizationId: string, wanted: string): Promise<string> {
  const taken = new Set((await em.find(AgentEntity, { organizationId }, { fields: ['name'] })).map(({ name }) => name))
  if (!taken.has(wanted)) return wanted
  for (let n = 2; ; n++) if (!taken.has(`${wanted} ${n}`)) return `${wanted} ${n}`
}
