// Everything wrong with a pipeline that can be known without running it; the same in console, API and publishing.
import { type PipelineGraph, type Problem, ProblemSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { findUnstorable } from './characters.ts'
import { limits } from './limits.ts'
import { stepType, unknownStepType, validateParams } from './steps/index.ts'
import { unnamedSecrets } from './steps/secret-marks.ts'
import { checkEdges } from './validate/edges.ts'
import { checkExpressions } from './validate/expressions.ts'
import { checkInputs, checkPipelineFields, checkStepFields } from './validate/fields.ts'
import type { Finding, Report } from './validate/finding.ts'
import { type AgentLabels, checkWorkspaces } from './validate/workspaces.ts'

export type { AgentLabels } from './validate/workspaces.ts'

/**
 * Takes time in proportion to steps and edges. Problems have no line: `parsePipeline` adds it. Whether some agent can run the steps
 * is only looked at where `agents` are known.
 */
export function validateGraph(graph: PipelineGraph, agents?: AgentLabels): Problem[] {
  const problems: Problem[] = []
  const report: Report = (finding) => {
    if (problems.length < limits.problems) problems.push(problemOf(finding))
  }
  if (graph.steps.length === 0) {
    report({ code: 'empty', field: 'steps', message: 'The pipeline has no steps. Add at least one.' })
  }
  if (graph.steps.length > limits.steps) {
    const message = `The pipeline has ${graph.steps.length} steps; ${limits.steps} are possible.`
    report({ code: 'limit', field: 'steps', message })
    return problems
  }
  checkTexts(graph, report)
  checkPipelineFields(graph, report)
  checkInputs(graph, report)
  for (const step of graph.steps) {
    checkStepFields(step, report)
    checkType(step, report)
  }
  checkEdges(graph.steps, report)
  if (agents) checkWorkspaces(graph.steps, agents, report)
  checkExpressions(graph, report)
  return problems
}

export function problemOf({ code, message, stepId, field, params, warning }: Finding): Problem {
  return create(ProblemSchema, {
    severity: warning ? Severity.WARNING : Severity.ERROR,
    code,
    message,
    stepId: stepId ?? '',
    field: field ?? '',
    params: params ?? {},
  })
}

/** What reached a document or a message all the same: it could be neither stored nor sent to an agent. */
function checkTexts(graph: PipelineGraph, report: Report): void {
  const { steps, ...pipeline } = graph
  const found = findUnstorable(pipeline)
  if (found) report({ code: 'characters', field: found.path.split(/[.[]/)[0]!, message: unstorableText(found.name) })
  for (const step of steps) {
    const wrong = findUnstorable(step)
    if (wrong === undefined) continue
    report({
      code: 'characters',
      stepId: step.id,
      field: fieldOf(step, wrong.path),
      message: unstorableText(wrong.name),
    })
  }
}

function unstorableText(name: string): string {
  return `This text holds ${name}, which cannot be stored. Remove it.`
}

/** env[2].value → env.NAME: fields are named as the editor and the file name them. */
function fieldOf(step: PipelineGraph['steps'][number], path: string): string {
  const variable = /^env\[(\d+)\]/.exec(path)
  return variable === null ? path.replace(/\[.*$/, '') : `env.${step.env[Number(variable[1])]?.name}`
}

function checkType(step: PipelineGraph['steps'][number], report: Report): void {
  const at = { stepId: step.id }
  const type = stepType(step.uses)
  if (type === undefined) {
    const message =
      step.uses === '' ? 'The step says neither what it uses nor what it runs.' : unknownStepType(step.uses)
    report({ ...at, field: 'uses', code: 'unknown_step_type', message, params: { type: step.uses } })
    return
  }
  for (const { field, message } of validateParams(type, (step.with ?? {}) as JsonObject)) {
    report({ ...at, field: `with.${field}`, code: 'param', message, params: { param: field, type: type.id } })
  }
  for (const [field, value] of Object.entries((step.with ?? {}) as JsonObject)) {
    if (!type.params.properties[field]?.['x-secrets']) continue
    for (const name of unnamedSecrets(value, step.secrets)) {
      const message = `\${${name}} is sent as it stands, because the step does not list ${name} under secrets. List it there if it is meant to be the secret.`
      report({ ...at, field: `with.${field}`, code: 'secret_not_named', message, params: { name }, warning: true })
    }
  }
}
