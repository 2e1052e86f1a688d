// One run shown on the canvas: the state of each step by node, and whether the step was changed since the run was frozen.

import { type PipelineGraph, type StepDefinition, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Run, RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { toJson } from '@bufbuild/protobuf'
import { computed, onScopeDispose, type Ref, ref, type ShallowRef, shallowReactive, shallowRef, watch } from 'vue'
import { api } from '../../api.ts'
import { subscribe } from '../../live.ts'
import { toMs } from '../../ui/format.ts'
import type { StatusName } from '../../ui/status.ts'
import { stepStatusName } from '../runs/index.ts'

export interface StepRunState {
  word: StatusName
  startedAt: number | undefined
  finishedAt: number | undefined
  why: Pick<RunStep, 'reason' | 'reasonInfo'>
  changed: boolean
}

export interface RunOverlay {
  run: ShallowRef<Run | undefined>
  ended: Readonly<Ref<boolean>>
  error: ShallowRef<unknown>
  /** By node id of the live document. */
  steps: Map<string, StepRunState>
  /** The run's step, whole, by its key in the current draft. */
  stepOf(key: string): RunStep | undefined
  /** What the canvas calls a step of the run, by its key in the run. */
  nameOf(key: string): string
  /** In the order of the file. */
  all(): RunStep[]
  show(runId: string): Promise<void>
  hide(): void
}

export function useRunOverlay(graph: ShallowRef<PipelineGraph>): RunOverlay {
  const run = shallowRef<Run>()
  const error = shallowRef<unknown>()
  const steps = shallowReactive(new Map<string, StepRunState>())
  const byKey = shallowReactive(new Map<string, RunStep>())
  const frozen = shallowRef<PipelineGraph>()
  const shown = ref('')
  let stop: (() => void) | undefined

  /** Frozen step by its key, and the node it is now: by node id where the frozen graph has it, else by key. */
  const nodes = computed(() => {
    const current = new Map<string, StepDefinition>()
    for (const step of graph.value.steps) current.set(step.nodeId, step)
    const keys = new Map(graph.value.steps.map((step) => [step.id, step]))
    const found = new Map<string, { nodeId: string; name: string; changed: boolean }>()
    for (const step of frozen.value?.steps ?? []) {
      const now = current.get(step.nodeId) ?? keys.get(step.id)
      if (!now) continue
      found.set(step.id, { nodeId: now.nodeId, name: now.name || now.id, changed: meaning(step) !== meaning(now) })
    }
    return found
  })

  function draw(changed: Iterable<RunStep>): void {
    for (const step of changed) {
      const node = nodes.value.get(step.id)
      if (!node) continue
      const next: StepRunState = {
        word: stepStatusName(step),
        startedAt: toMs(step.startedAt),
        finishedAt: toMs(step.finishedAt),
        why: step,
        changed: node.changed,
      }
      steps.set(node.nodeId, next)
    }
  }

  watch(nodes, () => {
    steps.clear()
    draw(byKey.values())
  })

  async function load(runId: string): Promise<number> {
    const answer = await api.runs.getRun({ runId })
    if (shown.value !== runId || !answer.run) return 0
    frozen.value = answer.graph
    byKey.clear()
    for (const step of answer.run.steps) byKey.set(step.id, step)
    run.value = answer.run
    draw(byKey.values())
    return answer.run.seq
  }

  async function show(runId: string): Promise<void> {
    hide()
    shown.value = runId
    error.value = undefined
    try {
      const afterSeq = await load(runId)
      if (shown.value !== runId) return
      const reload = () => void load(runId).catch((thrown: unknown) => (error.value = thrown))
      stop = subscribe(`run/${runId}`, {
        afterSeq,
        onMessage({ kind }) {
          if (kind.case !== 'run') return
          if (kind.value.run) run.value = { ...kind.value.run, steps: run.value?.steps ?? [] }
          for (const step of kind.value.steps) byKey.set(step.id, step)
          draw(kind.value.steps)
        },
        onResync: reload,
      })
    } catch (thrown) {
      error.value = thrown
    }
  }

  function hide(): void {
    stop?.()
    stop = undefined
    shown.value = ''
    run.value = undefined
    frozen.value = undefined
    byKey.clear()
    steps.clear()
  }

  onScopeDispose(hide)
  const ended = computed(() => (run.value ? isTerminal(run.value.status) : false))
  return {
    run,
    ended,
    error,
    steps,
    stepOf: (key) => byKey.get(key),
    nameOf: (key) => nodes.value.get(key)?.name ?? (byKey.get(key)?.name || key),
    all: () => [...byKey.values()],
    show,
    hide,
  }
}

/** What a step does, without where it is drawn. */
function meaning(step: StepDefinition): string {
  const { nodeId: _node, position: _position, ...rest } = toJson(StepDefinitionSchema, step) as Record<string, unknown>
  return JSON.stringify(rest)
}
