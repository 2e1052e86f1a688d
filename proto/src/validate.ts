// Everything wrong with a pipeline that can be known without running it; the same in console, API and publishing.
import { type PipelineGraph, type Problem, ProblemSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { findUnstorable } from './characters.ts'
import { limits } from './limits.ts'
import { atOnce } from './pieces.ts'
import { problemOfSaid } from './problem-text.ts'
import { usesTemplates } from './templates/write-out.ts'
import { say } from './texts/say.ts'
import { changedPatterns, hashedPatterns } from './triggers/changed.ts'
import { checkInputs, checkPipelineFields } from './validate/fields.ts'
import type { Finding, Report } from './validate/finding.ts'
import { checkSteps } from './validate/steps.ts'
import { checkTemplates } from './validate/templates.ts'
import { checkTriggers } from './validate/triggers.ts'
import type { AgentLabels } from './validate/workspaces.ts'

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
    report({ said: say('empty'), field: 'steps' })
  }
  if (graph.steps.length > limits.steps) {
    const said = say('many_steps', { count: graph.steps.length, most: limits.steps })
    report({ code: 'limit', field: 'steps', said })
    return problems
  }
  checkTexts(graph, report)
  checkPipelineFields(graph, report)
  checkInputs(graph.inputs, 'inputs', report)
  checkTriggers(graph, report)
  if (changedPatterns(graph).length > limits.changedLists) {
    report({ code: 'limit', said: say('many_changed', { most: limits.changedLists }) })
  }
  if (atOnce(hashedPatterns(graph)).length > limits.changedLists) {
    report({ code: 'limit', said: say('many_changed', { call: 'hashFiles', most: limits.changedLists }) })
  }
  if (graph.templates.length > 0 || graph.included.length > 0 || usesTemplates(graph))
    checkTemplates(graph, report, agents)
  else checkSteps(graph, report, agents)
  return problems
}

export function problemOf({ said, code, stepId, field, warning }: Finding): Problem {
  return create(ProblemSchema, {
    severity: warning ? Severity.WARNING : Severity.ERROR,
    ...problemOfSaid(said, code),
    stepId: stepId ?? '',
    field: field ?? '',
  })
}

/** What reached a document or a message all the same: it could be neither stored nor sent to an agent. */
function checkTexts(graph: PipelineGraph, report: Report): void {
  const { steps, included: _, ...pipeline } = graph
  const found = findUnstorable(pipeline)
  if (found) report({ field: found.path.split(/[.[]/)[0]!, said: say('characters', { odd: found.point }) })
  for (const step of steps) {
    const wrong = findUnstorable(step)
    if (wrong === undefined) continue
    const said = say('characters', { odd: wrong.point })
    report({ said, stepId: step.id, field: fieldOf(step, wrong.path) })
  }
}

/** env[2].value → env.NAME: fields are named as the editor and the file name them. */
function fieldOf(step: PipelineGraph['steps'][number], path: string): string {
  const variable = /^env\[(\d+)\]/.exec(path)
  return variable === null ? path.replace(/\[.*$/, '') : `env.${step.env[Number(variable[1])]?.name}`
}
