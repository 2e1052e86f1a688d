// One run shown on the canvas: the state of each step by node, and whether the step was changed since the run was frozen.

import { type PipelineGraph, type StepDefinition, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Run, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
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
    const current = new Map<string, StepDefinition>()
    for (const step of graph.value.steps) current.set(step.nodeId, step)
    const keys = new Map(graph.value.steps.map((step) => [step.id, step]))
    const found = new Map<string, { nodeId: string; name: string; changed: boolean }>()
    for (const step of frozen.value?.steps ?? []) {
      const whole = keys.get(standsFor(step.id))
      const now = current.get(step.nodeId) ?? keys.get(step.id)
      if (!now && whole) found.set(step.id, { nodeId: whole.nodeId, name: step.name || step.id, changed: false })
      if (!now) continue
      found.set(step.id, { nodeId: now.nodeId, name: now.name || now.id, changed: meaning(step) !== meaning(now) })
    }
    return found
  })

  function draw(changed: Iterable<RunStep>): void {
    for (const each of changed) {
      const node = nodes.value.get(each.id)
      const step = whole(each)
      if (!node || !step) continue
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

  /** As it is drawn: those that a template brought as one. */
  function whole(step: RunStep): RunStep | undefined {
    const key = standsFor(step.id)
    return key === step.id ? step : together(key, partsOf(key, byKey.values()))
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
    nameOf: (key) => nodes.value.get(key)?.name ?? (byKey.get(key)?.name || key),
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

/** What a step does, without where it is drawn. */
function meaning(step: StepDefinition): string {
  const { nodeId: _node, position: _position, ...rest } = toJson(StepDefinitionSchema, step) as Record<string, unknown>
  return JSON.stringify(rest)
}
