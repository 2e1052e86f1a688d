// What a pipeline asks of what is around it: people who decide, secrets, other pipelines. Nothing here knows whether they are
// there: the features that keep them say so, where the project is known.
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject } from '@bufbuild/protobuf'
import { withDefaults } from './defaults.ts'
import { hasExpression } from './expression.ts'
import { atOnce } from './pieces.ts'
import { writeOut } from './templates/write-out.ts'

export interface ApprovalDemand {
  stepId: string
  approvers: string[]
  required: number
  selfApproval: boolean
}

export interface CallDemand {
  stepId: string
  /** "name" or "project/name". */
  pipeline: string
  /** As they are written; texts may hold `${{ }}`. */
  inputs: JsonObject
}

export interface SecretDemand {
  stepId: string
  name: string
  /** What the step deploys to: empty: nothing; undefined: an expression says it. */
  environment: string | undefined
}

export interface Demands {
  approvals: ApprovalDemand[]
  /** Each once of each environment, with the first step that names it. */
  secrets: SecretDemand[]
  calls: CallDemand[]
  /** That are named as they are. */
  environments: { stepId: string; name: string }[]
  /** Runs may have no person who started them. */
  startsItself: boolean
}

/** Looked at of each kind; what a pipeline asks beyond that a run finds out. */
export const mostDemands = 100

/** As far as it is written out: what expressions say a run knows. */
export function demandsOf(graph: PipelineGraph): Demands {
  const { steps, triggers } = withDefaults(writtenOut(graph))
  const secrets = new Map<string, SecretDemand>()
  const approvals: ApprovalDemand[] = []
  const calls: CallDemand[] = []
  const environments: Demands['environments'] = []
  for (const each of steps) {
    if (each.disabled) continue
    // What a template brings is asked by the step that uses it.
    const step = { ...each, id: each.id.split('/')[0]! }
    const { name: environment = '' } = step.environment ?? {}
    const isKnown = !hasExpression(environment)
    for (const name of step.secrets) {
      const key = `${environment}\n${name}`
      if (!secrets.has(key)) secrets.set(key, { stepId: step.id, name, environment: isKnown ? environment : undefined })
    }
    const approval = approvalOf(step)
    const call = callOf(step)
    if (approval) approvals.push(approval)
    if (call) calls.push(call)
    if (environment !== '' && isKnown) environments.push({ stepId: step.id, name: environment })
  }
  return {
    approvals: approvals.slice(0, mostDemands),
    secrets: [...secrets.values()].slice(0, mostDemands),
    calls,
    environments: distinct(environments).slice(0, mostDemands),
    startsItself:
      triggers !== undefined &&
      (triggers.schedules.length > 0 || triggers.runs.length > 0 || triggers.webhook !== undefined),
  }
}

function distinct(all: Demands['environments']): Demands['environments'] {
  return [...new Map(all.map((each) => [`${each.stepId} ${each.name}`, each])).values()]
}

/** A draft whose templates are not right yet asks what its own steps ask. */
function writtenOut(graph: PipelineGraph): PipelineGraph {
  try {
    return atOnce(writeOut(graph)).graph
  } catch {
    return graph
  }
}

function approvalOf({ id, uses, with: given }: StepDefinition): ApprovalDemand | undefined {
  if (uses !== 'approval') return undefined
  const { approvers, required = 1, selfApproval = false } = given ?? {}
  if (!Array.isArray(approvers) || typeof required !== 'number' || typeof selfApproval !== 'boolean') return undefined
  const isPlain = approvers.every((each) => typeof each === 'string' && !hasExpression(each))
  return isPlain ? { stepId: id, approvers: approvers as string[], required, selfApproval } : undefined
}

function callOf({ id, uses, with: given }: StepDefinition): CallDemand | undefined {
  const { pipeline, inputs = {} } = given ?? {}
  if (uses !== 'pipeline' || typeof pipeline !== 'string' || hasExpression(pipeline)) return undefined
  const isMap = typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs)
  return { stepId: id, pipeline, inputs: isMap ? (inputs as JsonObject) : {} }
}
