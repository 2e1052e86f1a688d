// Everything about the steps of a pipeline, or of a template as if it were one.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { withDefaults } from '../defaults.ts'
import { checkEdges } from './edges.ts'
import { checkExpressions } from './expressions.ts'
import { checkStepFields } from './fields.ts'
import type { Report } from './finding.ts'
import { checkMatrices } from './matrices.ts'
import { checkType } from './types.ts'
import { type AgentLabels, checkCopiesApart, checkWorkspaces } from './workspaces.ts'

/** `params`: what the expressions of a template may read. */
export function checkSteps(
  graph: PipelineGraph,
  report: Report,
  agents?: AgentLabels,
  params?: readonly string[],
): void {
  // What is inherited is checked where it counts.
  const effective = withDefaults(graph)
  for (const [index, step] of graph.steps.entries()) {
    checkStepFields(step, report)
    checkType(step, report, graph.triggers)
    checkCopiesApart(effective.steps[index]!, report)
  }
  checkMatrices(graph.steps, report)
  checkEdges(graph.steps, report)
  if (agents) checkWorkspaces(effective.steps, agents, report)
  checkExpressions(effective, report, params)
}
