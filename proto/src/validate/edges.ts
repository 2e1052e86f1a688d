// The edges of a pipeline: ids once, needs that exist, no cycle.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { findCycle } from '../graph.ts'
import { limits } from '../limits.ts'
import { Hints } from '../suggest.ts'
import type { Report } from './finding.ts'

export function checkEdges(steps: readonly StepDefinition[], report: Report): void {
  const ids = new Set<string>()
  for (const { id } of steps) {
    if (ids.has(id)) {
      report({
        code: 'duplicate_step',
        stepId: id,
        message: `There are two steps named ${JSON.stringify(id)}. Rename one.`,
      })
    }
    ids.add(id)
  }
  const names = [...ids]
  const hints = new Hints()
  let selfNeed = false
  for (const step of steps) {
    if (step.needs.length > limits.needsOfAStep) {
      const message = `A step may need at most ${limits.needsOfAStep} others.`
      report({ code: 'limit', stepId: step.id, field: 'needs', message })
    }
    const seen = new Set<string>()
    for (const { stepId: need } of step.needs) {
      const at = { stepId: step.id, field: `needs.${need}`, params: { need } }
      if (need === step.id) {
        selfNeed = true
        report({ ...at, code: 'self_need', message: `${need} needs itself. Remove that need.` })
      } else if (!ids.has(need)) {
        const near = hints.near(
          need,
          names.filter((id) => id !== step.id),
        )
        const hint = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`
        report({ ...at, code: 'unknown_need', message: `There is no step ${JSON.stringify(need)} to need.${hint}` })
      }
      if (seen.has(need)) {
        report({ ...at, code: 'duplicate_need', message: `${JSON.stringify(need)} is needed twice. Remove one.` })
      }
      seen.add(need)
    }
  }
  if (selfNeed) return
  const cycle = findCycle(steps)
  if (cycle === null) return
  const path = (cycle.length > 12 ? [...cycle.slice(0, 11), '…', cycle.at(-1)!] : cycle).join(' → ')
  const last = cycle.at(-2)!
  report({
    code: 'cycle',
    stepId: cycle[0]!,
    field: `needs.${last}`,
    message: `These steps wait for each other: ${path}. Remove one of these needs.`,
    params: { path: cycle.join(' → ') },
  })
}
