// One run shown on the canvas: the state of each step by node, and whether the step was changed since the run was frozen.

import { type PipelineGraph, type StepDefinition, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Run, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { runnable } from '@ansflow/proto/templates/write-out'
import { toJson } from '@bufbuild/protobuf'
import { computed, type Ref, ref, type ShallowRef, shallowReactive, watch } from 'vue'
import { errorText } from '../../ui/error-text.ts'
import { toMs } from '../../ui/format.ts'
import type { StatusName } from '../../ui/status/status.ts'
import { showToast } from '../../ui/toasts.ts'
import {
  asksPeople,
  copiesByStep,
  inOrder,
  partsOf,
  standsFor,
  stepStatusName,
  together,
  useRun,
} from '../runs/index.ts'
import { nameBeside } from './step-text.ts'

export interface StepRunState {
  word: StatusName
  /** It waits for people. */
  people: boolean
  startedAt: number | undefined
  finishedAt: number | undefined
  why: Pick<RunStep, 'reason' | 'reasonInfo'>
  /** It was not run, but before. */
  reused: boolean
  changed: boolean
}

export interface RunOverlay {
  run: ShallowRef<Run | undefined>
  ended: Readonly<Ref<boolean>>
  /** By node id of the live document. */
  steps: Map<string, StepRunState>
  /** The run's step, whole, by its key in the current draft. */
  stepOf(key: string): RunStep | undefined
  /** What the canvas calls a step of the run, by its key in the run. */
  nameOf(key: string): string
  /** Of a step that has some, or that stands for others, by its key. */
  copiesOf(key: string): readonly RunStep[]
  /** In the order of the file. */
  all(): RunStep[]
  show(runId: string): void
  hide(): void
}

export function useRunOverlay(graph: ShallowRef<PipelineGraph>): RunOverlay {
  const shown = ref<string>()
  const { run, graph: frozen, steps: byKey, error, ended } = useRun(() => shown.value, draw)
  const steps = shallowReactive(new Map<string, StepRunState>())

  /** Frozen step by its key, and the node it is now: by node id where the frozen graph has it, else by key. */
  const nodes = computed(() => {
    const found = new Map<string, { nodeId: string; name: string; changed: boolean }>()
    if (!frozen.value) return found
    const byNode = new Map(graph.value.steps.map((step) => [step.nodeId, step]))
    const keys = new Map(graph.value.steps.map((step) => [step.id, step]))
    const changedNodes = new Set<string>()
    // A run has what templates and defaults make of the steps: that is what a change is told by.
    const wouldRun = new Map(runnableNow(graph.value).map((step) => [step.id, step]))
    for (const step of frozen.value.steps) {
      const whole = keys.get(standsFor(step.id))
      const now = byNode.get(step.nodeId) ?? keys.get(step.id)
      const meant = wouldRun.get(now?.id ?? step.id)
      const changed = meant === undefined || meaning(step) !== meaning(meant)
      if (now) found.set(step.id, { nodeId: now.nodeId, name: now.name || now.id, changed })
      else if (whole) found.set(step.id, { nodeId: whole.nodeId, name: step.name || step.id, changed })
      const nodeId = now?.nodeId ?? whole?.nodeId
      if (changed && nodeId !== undefined) changedNodes.add(nodeId)
    }
    for (const each of found.values()) each.changed = changedNodes.has(each.nodeId)
    return found
  })

  function draw(changed: Iterable<RunStep>): void {
    for (const [id, step] of wholes(changed)) {
      const node = nodes.value.get(id)
      if (!node) continue
      const next: StepRunState = {
        word: stepStatusName(step),
        people: asksPeople(step),
        startedAt: toMs(step.startedAt),
        finishedAt: toMs(step.finishedAt),
        why: step,
        reused: step.reused !== undefined,
        changed: node.changed,
      }
      steps.set(node.nodeId, next)
    }
  }

  /** As they are drawn, by the key of a step that they stand for: those that a template brought as one. */
  function wholes(changed: Iterable<RunStep>): Map<string, RunStep> {
    const found = new Map<string, RunStep>()
    const inParts = new Map<string, string>()
    for (const step of changed) {
      const key = standsFor(step.id)
      if (key === step.id) found.set(step.id, step)
      else inParts.set(key, step.id)
    }
    if (inParts.size === 0) return found
    const parts = Map.groupBy(byKey.values(), ({ id }) => standsFor(id))
    for (const [key, id] of inParts) {
      const whole = together(
        key,
        (parts.get(key) ?? []).filter(({ copyOf }) => !copyOf),
      )
      if (whole) found.set(id, whole)
    }
    return found
  }

  watch(nodes, () => {
    steps.clear()
    draw(byKey.values())
  })
  watch(error, (thrown) => {
    if (thrown) showToast({ kind: 'failed', text: errorText(thrown) })
  })

  return {
    run,
    ended,
    steps,
    stepOf: (key) => byKey.get(key) ?? together(key, partsOf(key, byKey.values())),
    nameOf: (key) => nameBeside({ drawn: nodes.value.get(key)?.name, ofRun: byKey.get(key)?.name, key }),
    all: () => inOrder(byKey.values()),
    copiesOf: (key) => copiesByStep(byKey.values()).get(key) ?? partsOf(key, byKey.values()),
    show(runId) {
      shown.value = runId
    },
    hide() {
      shown.value = undefined
    },
  }
}

/** What a run of the draft would have; of one that cannot run, what it says. */
function runnableNow(graph: PipelineGraph): readonly StepDefinition[] {
  try {
    return atOnce(runnable(graph)).steps
  } catch {
    return graph.steps
  }
}

/** What a step does, without where it is drawn. */
function meaning(step: StepDefinition): string {
  const { nodeId: _node, position: _position, ...rest } = toJson(StepDefinitionSchema, step) as Record<string, unknown>
  return JSON.stringify(rest)
}
