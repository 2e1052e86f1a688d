// The edges of a pipeline: ids once, needs that exist, no cycle.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { findCycle } from '../graph.ts'
import { limits } from '../limits.ts'
import { Hints } from '../suggest.ts'
import { wayText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import type { Report } from './finding.ts'

export function checkEdges(steps: readonly StepDefinition[], report: Report): void {
  const ids = new Set<string>()
  for (const { id } of steps) {
    if (ids.has(id)) {
      report({ stepId: id, said: say('duplicate_step', { name: JSON.stringify(id) }) })
    }
    ids.add(id)
  }
  const names = [...ids]
  const hints = new Hints()
  let selfNeed = false
  for (const step of steps) {
    if (step.needs.length > limits.needsOfAStep) {
      const said = say('many_needs', { most: limits.needsOfAStep })
      report({ code: 'limit', stepId: step.id, field: 'needs', said })
    }
    const seen = new Set<string>()
    for (const { stepId: need } of step.needs) {
      const at = { stepId: step.id, field: `needs.${need}` }
      if (need === step.id) {
        selfNeed = true
        report({ ...at, said: say('self_need', { need }) })
      } else if (!ids.has(need)) {
        const near = hints.near(
          need,
          names.filter((id) => id !== step.id),
        )
        report({ ...at, said: say('unknown_need', { need, near }) })
      }
      if (seen.has(need)) report({ ...at, said: say('duplicate_need', { need }) })
      seen.add(need)
    }
  }
  if (selfNeed) return
  const cycle = findCycle(steps)
  if (cycle === null) return
  const last = cycle.at(-2)!
  report({ stepId: cycle[0]!, field: `needs.${last}`, said: say('cycle', { path: wayText(cycle) }) })
}
