// Starts what was decided. Ids of runs are kept before the first is begun: whoever goes on with a delivery begins none twice.
import { ExpressionError } from '@ansflow/proto/expression'
import { type RunOrigin, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isProblemCode } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
import { gitValues } from '@ansflow/proto/triggers/git-facts'
import { givenInputs } from '@ansflow/proto/triggers/trigger-inputs'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { readyToStart, refusalOf, type StartDeps, startGraph } from '../runs/index.ts'
import { changedOf, type Startable } from './decide.ts'
import type { RepositoryDeliveryRow } from './delivery.entity.ts'
import type { Happening } from './happening.ts'
import type { StartTrust } from './judge.ts'

export interface Begin {
  delivery: Pick<RepositoryDeliveryRow, 'id' | 'event'>
  repositoryName: string
  happening: Happening
  start: Startable
  trust: StartTrust
  runId: string
}

/** What the run is for, and the inputs that its trigger gives. */
export interface Prepared {
  origin: RunOrigin
  inputs: JsonObject
}

/** The number of the run; a sentence: why it cannot be started. What may go later is thrown. */
export async function beginRun(deps: StartDeps, begin: Begin): Promise<number | Said> {
  const { start, runId } = begin
  return orWhyNot(async () => {
    const { origin, inputs } = await prepare(deps, begin)
    return (await startGraph(deps, { ...start, inputs, textInputs: true, origin, runId })).number
  })
}

/** As `beginRun`, up to where something would begin. */
export async function rehearseRun(
  deps: Pick<StartDeps, 'db' | 'workers'>,
  begin: Omit<Begin, 'runId'>,
): Promise<Prepared | Said> {
  return orWhyNot(async () => {
    const { origin, inputs } = await prepare(deps, begin)
    const ready = await readyToStart(deps.db, { ...begin.start, inputs, textInputs: true })
    return { origin, inputs: ready.inputs }
  })
}

async function prepare(
  { workers }: Pick<StartDeps, 'workers'>,
  { delivery, repositoryName, happening, start, trust }: Omit<Begin, 'runId'>,
): Promise<Prepared> {
  const { graph, inputs } = start
  const git = { ...happening.git, changed: await changedOf(workers, graph, happening) }
  const value = {
    deliveryId: delivery.id,
    name: repositoryName,
    event: delivery.event,
    repositoryId: git.repositoryId,
    sender: git.sender.slice(0, 256),
  }
  // The pipeline may be kept in AnsFlow: then it is of no file.
  const { untrusted, fileOf } = { ...trust, ...(start.isFile ? {} : { fileOf: '' }) }
  const origin = create(RunOriginSchema, { cause: { case: 'webhook', value }, git, untrusted, fileOf, verified: true })
  return { origin, inputs: givenInputs(inputs, { git: gitValues(git) }) }
}

async function orWhyNot<T>(work: () => Promise<T>): Promise<T | Said> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ExpressionError) return error.said
    const { message, violations } = refusalOf(error)
    const [first] = violations
    if (first?.code === undefined || !isProblemCode(first.code)) return say('delivery_refused', { detail: message })
    const problem = { code: first.code, params: first.params ?? {} }
    return say('delivery_input', { input: first.field.replace(/^inputs\./, ''), problem })
  }
}
