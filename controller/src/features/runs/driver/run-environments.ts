// The environments that a run may deploy to, as they are when it begins: only runs whose steps deploy read them.
import type { RunEnvironment } from '@ansflow/engine/state'
import { hasExpression } from '@ansflow/proto/expression'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Kysely } from 'kysely'
import { ruledEnvironments } from '../../environments/index.ts'
import { environmentVariables } from '../../variables/index.ts'
import type { RunTables } from '../run-tables.ts'

/** All of the project, with the variables of those that its steps may name. */
export async function environmentsFor(
  db: Kysely<RunTables>,
  { graph, projectId }: { graph: PipelineGraph; projectId: string },
): Promise<RunEnvironment[]> {
  const names = new Set(graph.steps.flatMap(({ environment }) => environment?.name ?? []))
  if (names.size === 0) return []
  const anyOf = [...names].some(hasExpression)
  const tables = db as unknown as Kysely<unknown>
  const all = await ruledEnvironments(tables, projectId)
  const named = all.filter(({ name }) => anyOf || names.has(name))
  const variables = await environmentVariables(
    tables,
    named.map(({ id }) => id),
  )
  return all.map((each) => ({ ...each, variables: variables.get(each.id) ?? [] }))
}
