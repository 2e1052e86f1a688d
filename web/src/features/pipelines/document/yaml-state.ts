// Whether a typed pipeline file can become the graph: only what the graph would not say keeps it from that, not what is wrong in it.
import { type Problem, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type parsePipeline, placeOfProblem } from '@ansflow/proto/pipeline-yaml'

/** What no document can say: keys of steps that it would change, needs of steps that are not there or wait for each other. */
const notKept = new Set(['step_id', 'duplicate_step', 'unknown_need', 'self_need', 'cycle'])

/** Where a problem is in the text: that of a text that was typed knows, that of the graph is looked for. */
export function placeIn(text: string, problem: Problem): { line: number; column: number } {
  const { line, column } = problem
  return line > 0 ? { line, column } : placeOfProblem(text, problem)
}

/** What keeps the text from being the graph, each with its place in the text. */
export function textFaults({ problems, unread }: ReturnType<typeof parsePipeline>): Problem[] {
  return problems.filter(
    (problem) => problem.severity === Severity.ERROR && (unread.includes(problem) || notKept.has(problem.code)),
  )
}

/** Whether so few of the steps were there before that it is another graph, to be looked at anew. */
export function isReplaced(before: ReadonlySet<string>, now: Iterable<string>): boolean {
  const all = [...now]
  return all.length > 0 && all.filter((node) => before.has(node)).length < all.length / 2
}
