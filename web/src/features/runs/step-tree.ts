// What stands under what on a run's page: copies under the step that a matrix made them of, and the steps that a template brought
// under the one of the file that stands for them. Of the latter the run knows only its key, in front of theirs. Pure.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { copiesByStep, hasCopies } from './step-groups.ts'
import { above } from './step-path.ts'
import { together } from './together.ts'

export interface StepTree {
  /** Those that stand under nothing, in the run's order. */
  roots: readonly RunStep[]
  /** What stands right under a step, by its id. */
  members: ReadonlyMap<string, readonly RunStep[]>
  /** At any depth under a step what has logs of its own, by its id. */
  leaves: ReadonlyMap<string, readonly RunStep[]>
  /** Those that stand for a template's steps, as they are together, by their keys. */
  templates: ReadonlyMap<string, RunStep>
}

/** `steps` in the run's order. */
export function treeOf(steps: readonly RunStep[]): StepTree {
  const copies = copiesByStep(steps)
  const inTemplates = new Map<string, RunStep[]>()
  const order: { id: string; under: string }[] = []
  for (const step of steps) {
    if (step.copyOf) continue
    const keys = above(step)
    // From the outermost: it stands where its first part does.
    for (const [index, key] of keys.toReversed().entries()) {
      const parts = inTemplates.get(key)
      if (parts) parts.push(step)
      else {
        inTemplates.set(key, [step])
        order.push({ id: key, under: keys[keys.length - index] ?? '' })
      }
    }
    order.push({ id: step.id, under: keys[0] ?? '' })
  }
  const templates = new Map<string, RunStep>()
  const leaves = new Map<string, readonly RunStep[]>(copies)
  for (const [key, parts] of inTemplates) {
    templates.set(key, standing(key, parts))
    leaves.set(
      key,
      parts.flatMap((step) => (hasCopies(step) ? (copies.get(step.id) ?? []) : [step])),
    )
  }
  const byId = new Map(steps.map((step) => [step.id, step]))
  const members = new Map<string, readonly RunStep[]>(copies)
  const under = Map.groupBy(order, (each) => each.under)
  for (const [id, list] of under) {
    members.set(
      id,
      list.map((each) => (templates.get(each.id) ?? byId.get(each.id))!),
    )
  }
  const roots = members.get('') ?? []
  members.delete('')
  return { roots, members, leaves, templates }
}

/** How its parts stand together. */
function standing(key: string, parts: readonly RunStep[]): RunStep {
  const { reused: _, ...whole } = together(key, parts)!
  const own = parts.filter(({ reused }) => !reused)
  // What was run before has times of another run.
  const { startedAt, finishedAt } = together(key, own) ?? {}
  const reused = own.length === 0 ? parts[0]!.reused : undefined
  return { ...whole, startedAt, finishedAt, ...(reused && { reused }) }
}
