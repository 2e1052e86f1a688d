// Starts what was decided. Ids of runs are kept before the first is begun: whoever goes on with a delivery begins none twice.
import { ExpressionError } from '@ansflow/proto/expression'
import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isProblemCode } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
import { gitValues } from '@ansflow/proto/triggers/git-facts'
import { givenInputs } from '@ansflow/proto/triggers/trigger-inputs'
import { create } from '@bufbuild/protobuf'
import { refusalOf, type StartDeps, startGraph } from '../runs/index.ts'
import { changedOf, type Startable } from './decide.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import type { Happening } from './happening.ts'

export interface Begin {
  delivery: Pick<RepositoryDeliveryRow, 'id' | 'event'>
  repositoryName: string
  happening: Happening
  start: Startable
  runId: string
}

/** The number of the run; a sentence: why it cannot be started. What may go later is thrown. */
export async function beginRun(
  deps: StartDeps,
  { delivery, repositoryName, happening, start, runId }: Begin,
): Promise<number | Said> {
  const { graph, inputs } = start
  const git = { ...happening.git, changed: await changedOf(deps.workers, graph, happening) }
  const value = {
    deliveryId: delivery.id,
    name: repositoryName,
    event: delivery.event,
    repositoryId: git.repositoryId,
    sender: git.sender.slice(0, 256),
  }
  try {
    const origin = create(RunOriginSchema, { cause: { case: 'webhook', value }, git })
    const given = givenInputs(inputs, { git: gitValues(git) })
    return (await startGraph(deps, { ...start, inputs: given, textInputs: true, origin, runId })).number
  } catch (error) {
    if (error instanceof ExpressionError) return error.said
    const { message, violations } = refusalOf(error)
    const [first] = violations
    if (first?.code === undefined || !isProblemCode(first.code)) return say('delivery_refused', { detail: message })
    const problem = { code: first.code, params: first.params ?? {} }
    return say('delivery_input', { input: first.field.replace(/^inputs\./, ''), problem })
  }
}
