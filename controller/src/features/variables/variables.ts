// Plain variables: of an organization, of a project of it, or of an environment there. What a run gets of them is read in one statement with its number.
import type { InheritedVariable } from '@ansflow/engine/variables-of'
import { invalidField, notFound } from '@ansflow/proto/errors'
import { patterns } from '@ansflow/proto/limits'
import { reservedProblem } from '@ansflow/proto/step-variables'
import { saidText } from '@ansflow/proto/texts/said-text'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Db, EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { type Variable, VariableEntity } from './variable.entity.ts'

const valueBytes = 16 * 1024
/** Every job of a run has them all. */
const bytesOfAScope = 32 * 1024

/** Whose variables. */
export interface VariableScope {
  organizationId: string
  /** Empty: the organization's. */
  projectId: string
  /** Empty: the project's. */
  environmentId: string
}

export function listVariables(em: EntityManager, scope: VariableScope): Promise<Variable[]> {
  return em.find(VariableEntity, rowsOf(scope), { orderBy: { name: 'asc' } })
}

const rowsOf = ({ organizationId, projectId, environmentId }: VariableScope) => ({
  organizationId,
  projectId,
  environmentId,
})

/** Inside a transaction. Throws UniqueConstraintViolationException when another call makes the same one just then. */
export async function putVariable(
  em: EntityManager,
  scope: VariableScope,
  { name, value, by, now }: { name: string; value: string; by: string; now: Date },
): Promise<{ before: string | undefined; updatedAt: Date }> {
  checkName(name)
  if (Buffer.byteLength(value) > valueBytes) {
    throw invalidField('value', `must have at most ${valueBytes / 1024} KiB`, 'variable_size')
  }
  const all = await listVariables(em, scope)
  const others = all.filter((variable) => variable.name !== name)
  const bytes = [...others, { name, value }].reduce((sum, one) => sum + Buffer.byteLength(one.name + one.value), 0)
  if (bytes > bytesOfAScope) {
    throw invalidField('value', `no room: all have at most ${bytesOfAScope / 1024} KiB together`, 'variables_full')
  }
  const before = all.find((variable) => variable.name === name)
  const changes = { value, updatedAt: now, updatedBy: by }
  if (before) await em.nativeUpdate(VariableEntity, { id: before.id }, changes)
  else await em.insert(VariableEntity, { id: uuidv7(), ...rowsOf(scope), name, createdAt: now, ...changes })
  return { before: before?.value, updatedAt: now }
}

/** Answers the value that it had. */
export async function deleteVariable(em: EntityManager, scope: VariableScope, name: string): Promise<string> {
  const found = await em.findOne(VariableEntity, { ...rowsOf(scope), name })
  if (!found) throw notFound('variable', name)
  await em.nativeDelete(VariableEntity, { id: found.id })
  return found.value
}

export async function deleteVariablesOf(em: EntityManager, projectId: string): Promise<void> {
  await em.nativeDelete(VariableEntity, { projectId })
}

export async function deleteVariablesOfEnvironment(em: EntityManager, environmentId: string): Promise<void> {
  await em.nativeDelete(VariableEntity, { environmentId })
}

interface VariableTables {
  variable: { environment_id: string; name: string; value: string }
}

/** For the statements of runs: of each environment, by name. */
export async function environmentVariables(
  db: Kysely<unknown>,
  environmentIds: readonly string[],
): Promise<Map<string, { name: string; value: string }[]>> {
  if (environmentIds.length === 0) return new Map()
  const rows = await (db as Kysely<VariableTables>)
    .selectFrom('variable')
    .select(['environment_id', 'name', 'value'])
    .where('environment_id', 'in', environmentIds)
    .orderBy('name')
    .execute()
  const byEnvironment = Map.groupBy(rows, (row) => row.environment_id)
  return new Map([...byEnvironment].map(([id, all]) => [id, all.map(({ name, value }) => ({ name, value }))]))
}

function checkName(name: string): void {
  if (!patterns.identifier.test(name)) {
    const message = 'must be letters, digits and _, not beginning with a digit, at most 128'
    throw invalidField('name', message, 'variable_name')
  }
  const reserved = reservedProblem(name)
  if (reserved !== undefined) throw invalidField('name', saidText(reserved), 'variable_reserved')
  if (name === 'PATH') throw invalidField('name', 'is the agent’s own on each host', 'variable_reserved')
}

/** All that a run of the project inherits, as JSON in a column of a larger statement: for `inheritedIn`. */
export function inheritedJson(
  dialect: Db['dialect'],
  { organizationId, projectId }: Pick<VariableScope, 'organizationId' | 'projectId'>,
): RawBuilder<string | null> {
  const [list, object] = dialect === 'sqlite' ? ['json_group_array', 'json_object'] : ['json_arrayagg', 'json_object']
  const entry = sql`${sql.raw(object!)}('project', project_id, 'name', name, 'value', value)`
  return sql<
    string | null
  >`(select ${sql.raw(list!)}(${entry}) from variable where organization_id = ${organizationId} and project_id in ('', ${projectId}) and environment_id = '')`
}

/** The organization's first, each by name. */
export function inheritedIn(json: unknown): InheritedVariable[] {
  const all = (typeof json === 'string' ? JSON.parse(json) : (json ?? [])) as {
    project: string
    name: string
    value: string
  }[]
  const named = all.map(({ project, name, value }): InheritedVariable => {
    return { name, value, from: project === '' ? 'organization' : 'project' }
  })
  const order = ({ from, name }: InheritedVariable) => `${from === 'organization' ? 0 : 1} ${name}`
  return named.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}
