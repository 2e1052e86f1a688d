// Labels that people give to agents. One that was ever given is protected in its organization: it counts only for agents that
// have it from people, also when none is left. What agents say of themselves counts for all other labels.
import { givenLabelsProblems } from '@ansflow/proto/agent-labels'
import { invalid, notFound, precondition, violation } from '@ansflow/proto/errors'
import type { Db, EntityManager } from '../../platform/db.ts'
import { statement } from '../../platform/statement.ts'
import { AgentLabelEntity } from './agent-label.entity.ts'

interface Tables {
  agent_label: { organization_id: string; label: string; agent_id: string }
  agent: { id: string; organization_id: string; takes_untrusted: number }
}

/** What people have given to the agents of one organization: labels, and whether they take untrusted runs. */
export class LabelBook {
  readonly #given = new Map<string, Set<string>>()
  readonly #forStrangers: ReadonlySet<string>

  constructor(rows: Iterable<{ label: string; agent_id: string }> = [], forStrangers: Iterable<string> = []) {
    this.#forStrangers = new Set(forStrangers)
    for (const { label, agent_id } of rows) {
      const agents = this.#given.get(label) ?? new Set()
      this.#given.set(label, agents.add(agent_id))
    }
  }

  get protected(): string[] {
    return [...this.#given.keys()].sort()
  }

  takesUntrusted(agentId: string): boolean {
    return this.#forStrangers.has(agentId)
  }

  givenTo(agentId: string): string[] {
    return this.protected.filter((label) => this.#given.get(label)?.has(agentId))
  }

  /** `labels` count for the agent; `claims` it only says of itself, and they are protected. */
  sort({ id, reported }: { id: string; reported: readonly string[] }): { labels: string[]; claims: string[] } {
    const given = this.givenTo(id)
    const own = reported.filter((label) => !given.includes(label))
    return {
      labels: [...given, ...own.filter((label) => !this.#given.has(label))],
      claims: own.filter((label) => this.#given.has(label)),
    }
  }
}

const rowsOf = statement<Tables, { organizationId: string }>()((db, { organizationId }) =>
  db.selectFrom('agent_label').select(['label', 'agent_id']).where('organization_id', '=', organizationId),
)

const forStrangersOf = statement<Tables, { organizationId: string }>()((db, { organizationId }) =>
  db.selectFrom('agent').select('id').where('organization_id', '=', organizationId).where('takes_untrusted', '=', 1),
)

export async function labelBook(db: Db, organizationId: string): Promise<LabelBook> {
  const tables = db.kysely<Tables>()
  const labels = await rowsOf.execute(tables, { organizationId })
  const forStrangers = await forStrangersOf.execute(tables, { organizationId })
  return new LabelBook(
    labels.rows,
    forStrangers.rows.map(({ id }) => id),
  )
}

/** As they are stored; throws when they cannot be given. */
export function readGivenLabels(labels: readonly string[]): string[] {
  const given = [...new Set(labels)].sort()
  const problems = givenLabelsProblems(given)
  if (problems.length > 0) throw invalid(problems.map((said) => violation('labels', said)))
  return given
}

/** Inside a transaction. */
export async function protectLabels(
  em: EntityManager,
  organizationId: string,
  labels: readonly string[],
): Promise<void> {
  await addRows(em, organizationId, labels, '')
}

/** Inside a transaction: the agent has these and no others from now on. */
export async function giveLabels(
  em: EntityManager,
  organizationId: string,
  agentId: string,
  labels: readonly string[],
): Promise<void> {
  await protectLabels(em, organizationId, labels)
  await takeLabels(em, organizationId, agentId)
  await addRows(em, organizationId, labels, agentId)
}

/** They stay protected. */
export async function takeLabels(em: EntityManager, organizationId: string, agentId: string): Promise<void> {
  await em.nativeDelete(AgentLabelEntity, { organizationId, agentId })
}

/** Inside a transaction. */
export async function releaseLabel(em: EntityManager, organizationId: string, label: string): Promise<void> {
  if ((await em.count(AgentLabelEntity, { organizationId, label, agentId: { $ne: '' } })) > 0) {
    throw precondition('label_given', `Agents have been given the label ${label}. Take it from them first.`, { label })
  }
  if ((await em.nativeDelete(AgentLabelEntity, { organizationId, label })) === 0) throw notFound('label', label)
}

async function addRows(em: EntityManager, organizationId: string, labels: readonly string[], agentId: string) {
  if (labels.length === 0) return
  await em.upsertMany(
    AgentLabelEntity,
    labels.map((label) => ({ organizationId, label, agentId })),
    { onConflictAction: 'ignore' },
  )
}
