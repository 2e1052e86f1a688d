// What a run of the draft would do, shown on the canvas: asked for again when the draft, the inputs or the assumed event change.
import {
  ExplainedOutcome,
  type ExplainedStep,
  type ExplainRunRequest,
  type ExplainRunRequestSchema,
  type ExplainRunResponse,
  type GetUsualTimesResponse,
} from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { computed, reactive, ref, shallowReactive, shallowRef, watch } from 'vue'
import { api } from '../../../../api.ts'
import { type InputDraft, inputDraft, inputValues } from '../../../../ui/form/input-draft.ts'
import { expectedTime, standsFor } from '../../../runs/index.ts'
import type { PipelineDocument } from '../../document/use-pipeline-doc.ts'
import { sinceLast } from './since-last.ts'

export const triggers = ['person', 'token', 'schedule', 'webhook', 'run'] as const
export type Trigger = (typeof triggers)[number]

/** After the last change. */
const restMs = 400

export type Explanation = ReturnType<typeof useExplain>

export function useExplain(pipelineId: string, doc: PipelineDocument) {
  const shown = ref(false)
  const event = reactive({ trigger: 'person' as Trigger, branch: '', tag: '', commit: '', failing: '' })
  const inputs = ref<InputDraft>({})
  /** Somebody came here to see what an event does: it counts instead of what is said in the bar. */
  const given = shallowRef<ExplainRunRequest>()
  /** By node id: one changed answer redraws one node. */
  const steps = shallowReactive(new Map<string, ExplainedStep>())
  /** In the file's order, copies behind their step. */
  const all = shallowRef<readonly ExplainedStep[]>([])
  /** What it was told of: the steps as they would run. */
  const definitions = shallowRef<readonly StepDefinition[]>([])
  /** Of the run as a whole. */
  const wait = shallowRef<Pick<ExplainRunResponse, 'wait' | 'waitInfo'>>()
  const usual = shallowRef<GetUsualTimesResponse>()
  const error = shallowRef<unknown>()
  const busy = ref(false)
  let asked = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function request(): MessageInitShape<typeof ExplainRunRequestSchema> {
    if (given.value) return { ...given.value, failing: event.failing ? [event.failing] : [] }
    const { trigger, branch, tag, commit, failing } = event
    const ref = tag ? `refs/tags/${tag}` : branch ? `refs/heads/${branch}` : ''
    const git = branch || tag || commit ? { git: { branch, tag, commit, ref } } : {}
    // By a person it is whoever asks.
    const cause = trigger === 'person' ? {} : { cause: { case: trigger, value: {} } as never }
    return {
      pipelineId,
      draft: true,
      inputs: inputValues(doc.graph.value.inputs, inputs.value),
      origin: { ...git, ...cause },
      failing: failing ? [failing] : [],
    }
  }

  async function ask(): Promise<void> {
    const mine = ++asked
    // The answer is known: the list of problems has it, with its place.
    if (doc.fault.value && !given.value) {
      busy.value = false
      error.value = undefined
      all.value = []
      steps.clear()
      return
    }
    busy.value = true
    try {
      const answer = await api.explain.explainRun(request())
      if (mine !== asked) return
      error.value = undefined
      definitions.value = answer.graph?.steps ?? []
      wait.value = answer
      all.value = answer.steps
      put(answer.steps)
    } catch (thrown) {
      if (mine !== asked) return
      error.value = thrown
      all.value = []
      steps.clear()
    } finally {
      if (mine === asked) busy.value = false
    }
  }

  /** History is worth no error of its own: then no time is told. */
  async function askUsual(): Promise<void> {
    usual.value = await api.explain.getUsualTimes({ pipelineId }).catch(() => undefined)
  }

  function put(found: readonly ExplainedStep[]): void {
    const told = new Map<string, ExplainedStep>()
    const order = ({ wave }: ExplainedStep) => wave || Number.POSITIVE_INFINITY
    for (const step of found) {
      const nodeId = step.copyOf ? undefined : doc.nodeOfKey(standsFor(step.id))
      if (nodeId === undefined) continue
      // Of those that a template brings the first that runs is told on the node; the list has all.
      const before = told.get(nodeId)
      if (!before || order(step) < order(before)) told.set(nodeId, step)
    }
    for (const [nodeId, step] of told) steps.set(nodeId, step)
    for (const nodeId of [...steps.keys()]) if (!told.has(nodeId)) steps.delete(nodeId)
  }

  /** The draft is explained as it is stored. */
  watch([doc.graph, doc.fault, () => ({ ...event }), inputs, given, doc.link.state], () => {
    if (!shown.value || doc.link.state.value !== 'saved') return
    clearTimeout(timer)
    timer = setTimeout(() => shown.value && void ask(), restMs)
  })

  return {
    shown,
    event,
    given,
    inputs,
    steps,
    all,
    /** The steps as they would run. */
    planned: definitions,
    error,
    fault: doc.fault,
    busy,
    stepOf: (key: string) => all.value.find(({ id }) => id === key),
    copiesOf: (key: string) => all.value.filter(({ copyOf }) => copyOf === key),
    usual,
    wait,
    time: computed(() =>
      expectedTime(
        all.value.filter(({ copyOf }) => !copyOf),
        definitions.value,
        new Map(usual.value?.times.map((each) => [each.stepId, each])),
      ),
    ),
    since: computed(() => (all.value.length > 0 ? sinceLast(usual.value?.last, all.value) : undefined)),
    counts: computed(() => {
      const whole = all.value.filter(({ copyOf }) => !copyOf)
      const of = (outcome: ExplainedOutcome) => whole.filter((step) => step.outcome === outcome).length
      return {
        run: of(ExplainedOutcome.RUNS),
        depend: of(ExplainedOutcome.DEPENDS),
        not: of(ExplainedOutcome.SKIPPED),
        fail: of(ExplainedOutcome.FAILS),
      }
    }),
    open(asked?: ExplainRunRequest): void {
      given.value = asked
      inputs.value = inputDraft(doc.graph.value.inputs)
      shown.value = true
      void ask()
      void askUsual()
    },
    close(): void {
      shown.value = false
      given.value = undefined
      asked++
      busy.value = false
      clearTimeout(timer)
      steps.clear()
      all.value = []
      error.value = undefined
    },
  }
}
