// Registration: a person makes a token, an agent trades it for an identity, once.
import { can } from '@ansflow/proto/access'
import { labelsProblems } from '@ansflow/proto/agent-labels'
import { AppError, type FieldViolation, invalid, violation } from '@ansflow/proto/errors'
import type { RegisterRequest } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { HostFacts } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { HostFactsSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { limits } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import { type Keys, randomToken } from '../../platform/crypto.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { CallContext } from '../../transport/call.ts'
import { countByToken, grantsOf, type MadeByTokens } from '../access/index.ts'
import { AgentEntity } from './agent.entity.ts'
import { giveLabels, protectLabels, readGivenLabels } from './agent-labels.ts'
import { hostColumn, words } from './agent-tables.ts'
import { RegistrationTokenEntity, type RegistrationTokenRow } from './registration-token.entity.ts'

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

export interface Invitation {
  organizationId: string
  /** What the agent is given. */
  labels?: readonly string[]
  /** Whose right it needs; without anybody the controller made it itself. */
  createdBy?: string
  /** It goes with the API token that made it. */
  apiTokenId?: string | undefined
  /** The agent whose secret it renews; without one it makes a new agent. */
  renews?: string
}

/** Inside a transaction. */
export async function makeRegistrationToken(
  em: EntityManager,
  { clock, keys }: Pick<RegistrationDeps, 'clock' | 'keys'>,
  { organizationId, labels = [], createdBy, apiTokenId, renews }: Invitation,
  token = randomToken(registrationPrefix),
): Promise<{ token: string; expiresAt: Date }> {
  const createdAt = clock.now()
  const expiresAt = new Date(createdAt.getTime() + tokenMs)
  const given = readGivenLabels(labels)
  await protectLabels(em, organizationId, given)
  await em.insert(RegistrationTokenEntity, {
    id: uuidv7(),
    organizationId,
    tokenHash: keys.hashToken(token),
    createdAt,
    expiresAt,
    usedAt: null,
    agentId: renews ?? null,
    labels: given.join(' '),
    createdBy: createdBy ?? null,
    apiTokenId: apiTokenId ?? null,
  })
  return { token, expiresAt }
}

export const registrationTokensMadeByTokens: MadeByTokens = {
  async count(em, tokenIds, now) {
    const unused = { apiTokenId: { $in: tokenIds }, usedAt: null, expiresAt: { $gt: now } }
    return countByToken(await em.find(RegistrationTokenEntity, unused))
  },
  async forget(em, tokenIds) {
    await em.nativeDelete(RegistrationTokenEntity, { apiTokenId: { $in: tokenIds }, usedAt: null })
  },
}

export interface AgentFacts {
  labels: string[]
  slots: number
  version: string
  host?: HostFacts | undefined
}

const maxHostBytes = 16_000

/** Columns for what an agent says of itself; throws when it makes no sense. */
export function factColumns({ labels, slots, version, host }: AgentFacts) {
  const violations: FieldViolation[] = labelsProblems(labels).map((said) => violation('labels', said))
  const { slotsOfAnAgent } = limits
  if (slots < 1 || slots > slotsOfAnAgent) {
    violations.push({ field: 'slots', message: `must be 1 to ${slotsOfAnAgent}` })
  }
  const hostText = hostColumn(host ?? create(HostFactsSchema))
  if (hostText.length > maxHostBytes) violations.push({ field: 'host', message: 'is too long' })
  if (violations.length > 0) throw invalid(violations)
  return { labels: [...new Set(labels)].join(' '), slots, version: version.slice(0, 64), host: hostText }
}

/** Answers the identity: a new one, or a known agent's with a new secret. Trading the same token again is refused. */
export async function registerAgent(
  { db, bus, clock, keys }: RegistrationDeps,
  change: CallContext['change'],
  request: RegisterRequest,
): Promise<{ agentId: string; agentSecret: string }> {
  const name =
    request.name
      .replace(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, 100)
      .trim() || 'agent'
  const facts = factColumns(request)
  const agentSecret = randomToken(agentPrefix)
  const secretHash = keys.hashToken(agentSecret)
  const newId = uuidv7()
  const tokenHash = keys.hashToken(request.token)
  // Looked for before anything is written: whoever only guesses takes nobody's turn.
  const open = { tokenHash, usedAt: null, expiresAt: { $gt: clock.now() } }
  if ((await db.em().count(RegistrationTokenEntity, open)) === 0) throw tokenRefused()
  const { agentId, organizationId } = await change(async (em) => {
    const now = clock.now()
    const token = await takeToken(db, em, tokenHash, newId, now)
    const { organizationId } = token
    if (token.renews) {
      // Processes of before may still run what they had; they stay remembered.
      const renewed = { ...facts, secretHash, doubledAt: null, sessionId: null }
      if ((await em.nativeUpdate(AgentEntity, { id: token.renews }, renewed)) === 0) throw tokenRefused()
      const resource = { kind: 'agent', id: token.renews, name }
      return { result: { agentId: token.renews, organizationId }, organizationId, resource, after: { renewed: true } }
    }
    const free = await freeName(em, organizationId, name)
    await em.insert(AgentEntity, {
      id: newId,
      organizationId,
      name: free,
      secretHash,
      ...facts,
      capabilities: '',
      load: null,
      draining: false,
      sessionId: null,
      instanceSince: null,
      doubledAt: null,
      leftAt: null,
      lastSeenAt: null,
      registeredAt: now,
    })
    await giveLabels(em, organizationId, newId, token.labels)
    const resource = { kind: 'agent', id: newId, name: free }
    const after = { labels: token.labels }
    return { result: { agentId: newId, organizationId }, organizationId, resource, after }
  })
  bus.publish('agent.changed', { agentId, organizationId })
  return { agentId, agentSecret }
}

/** Uses the token up; throws when it is worth nothing. */
async function takeToken(db: Db, em: EntityManager, tokenHash: string, newId: string, now: Date) {
  const token = await em.findOne(RegistrationTokenEntity, { tokenHash, usedAt: null, expiresAt: { $gt: now } })
  if (!token || !(await mayStillAdd(db, em, token, now))) throw tokenRefused()
  const { organizationId, agentId: renews } = token
  const used = { usedAt: now, agentId: renews ?? newId }
  if ((await em.nativeUpdate(RegistrationTokenEntity, { tokenHash, usedAt: null }, used)) === 0) throw tokenRefused()
  return { organizationId, renews, labels: words(token.labels) }
}

/** A token ends with the right of the person who made it. */
async function mayStillAdd(
  db: Db,
  em: EntityManager,
  { createdBy, organizationId }: RegistrationTokenRow,
  now: Date,
): Promise<boolean> {
  if (!createdBy) return true
  return can({ grants: await grantsOf(db, em, createdBy, now), scopes: ['*'] }, 'agent.manage', { organizationId })
}

function tokenRefused(): AppError {
  return new AppError(
    'permission_denied',
    'This registration token is unknown, used or too old, or who made it may not add agents any more. Make a new one on the agents page.',
    { reason: 'registration_token_invalid' },
  )
}

/** People tell agents apart by name, and a reinstalled host brings its old one. */
async function freeName(em: EntityManager, organizationId: string, wanted: string): Promise<string> {
  const taken = new Set((await em.find(AgentEntity, { organizationId }, { fields: ['name'] })).map(({ name }) => name))
  if (!taken.has(wanted)) return wanted
  for (let n = 2; ; n++) if (!taken.has(`${wanted} ${n}`)) return `${wanted} ${n}`
}
