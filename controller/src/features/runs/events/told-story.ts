// What people did with a run, and what happened to it beside the plain course of its steps: read from its events, a bounded part at a
// time. What of it is not over at the end of a part is told as it is by then, goes along in the token, and is told again when it ends.
import {
  type Attempt,
  JobStatus,
  type Run,
  type RunEvent,
  RunEventKind,
  RunEventSchema,
  type RunStep,
  StepStatus,
  type WatchRunResponse,
} from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'

/** What waits for something that people may want to know of. */
const waits: ReadonlySet<string> = new Set([
  ...['lock_waits', 'group_waits', 'project_limit', 'approval_waits', 'child_waits', 'waiting_until'],
  ...['no_agent', 'agents_offline', 'labels_missing', 'capability_missing', 'agents_busy', 'draining'],
  ...['workspace_full', 'workspace_offline', 'workspace_draining', 'workspace_lacks', 'workspace_cannot'],
])
const shortestMs = 1000
/** Of those that are not over at the end of a part; others are not told. */
const mostOpen = 100

const late: ReadonlySet<string> = new Set(['timeout', 'queue_timeout'])

/** Of what goes on by then. */
export interface StoryPlace {
  seq: number
  canceled: boolean
  ended: boolean
  /** By the key of the step; empty: the run. */
  open: [key: string, code: string, sinceMs: number][]
}

export const storyBegin: StoryPlace = { seq: 0, canceled: false, ended: false, open: [] }

type Init = Exclude<MessageInitShape<typeof RunEventSchema>, { $typeName: string }>
type OfStep = Pick<Init, 'stepId' | 'stepName'>

export class Story {
  readonly told = new Map<string, RunEvent>()
  private readonly withWaits: boolean
  private seq: number
  private canceled: boolean
  private ended: boolean
  private readonly open = new Map<string, { code: string; sinceMs: number; last: Init | undefined }>()

  constructor(from: StoryPlace, withWaits: boolean) {
    this.seq = from.seq
    this.canceled = from.canceled
    this.ended = from.ended
    this.withWaits = withWaits
    for (const [key, code, sinceMs] of from.open) this.open.set(key, { code, sinceMs, last: undefined })
  }

  get place(): StoryPlace {
    const open = [...this.open].slice(0, mostOpen).map(([key, { code, sinceMs }]) => [key, code, sinceMs] as const)
    return { seq: this.seq, canceled: this.canceled, ended: this.ended, open: open.map((each) => [...each]) }
  }

  read({ seq, at, run, steps }: WatchRunResponse): void {
    this.seq = seq
    if (!at || !run) return
    this.wait('', run, at, {})
    for (const step of steps) this.readStep(step, at)
    if (run.cancelRequested && !this.canceled) {
      this.canceled = true
      const isPerson = run.canceledByName !== ''
      this.tell('canceled', { kind: RunEventKind.CANCELED, at, by: run.canceledByName, ...(!isPerson && why(run)) })
    }
    if (isTerminal(run.status) && !this.ended) {
      this.ended = true
      const by = run.canceledByName !== '' ? {} : why(run)
      this.tell('ended', { kind: RunEventKind.ENDED, at: run.finishedAt ?? at, status: run.status, ...by })
    }
  }

  /** What waits still, at the end of what there is. */
  rest(): void {
    for (const [key, open] of [...this.open].slice(0, mostOpen)) {
      if (open.last) this.tellWait(this.waited(key, open, open.last))
    }
  }

  private readStep(step: RunStep, at: Timestamp): void {
    const { id: stepId, name: stepName, attempts } = step
    // Its copies say it, each for itself.
    if (step.copies === 0) this.wait(stepId, step, at, { stepId, stepName })
    for (const attempt of attempts) {
      const { number, status, agentName, reasonInfo } = attempt
      const of = { stepId, stepName, attempt: number }
      const { createdAt = at, finishedAt } = attempt
      if (number > 1) this.tell(`try ${stepId} ${number}`, { kind: RunEventKind.RETRIED, at: createdAt, ...of })
      if (status === JobStatus.LOST) {
        this.tell(`lost ${stepId} ${number}`, {
          ...{ kind: RunEventKind.LOST, at: finishedAt ?? at, by: agentName },
          ...of,
          ...why(attempt),
        })
      } else if (finishedAt && late.has(reasonInfo?.code ?? '')) {
        this.tell(`late ${stepId} ${number}`, { kind: RunEventKind.TIMED_OUT, at: finishedAt, ...of, ...why(attempt) })
      }
    }
    // It got none of what it waited for, so it has no attempt that says it.
    if (step.status === StepStatus.FAILED && attempts.length === 0 && step.reasonInfo?.code === 'queue_timeout') {
      this.tell(`late ${stepId} 0`, { kind: RunEventKind.TIMED_OUT, at, stepId, stepName, ...why(step) })
    }
  }

  private wait(key: string, of: Run | RunStep, at: Timestamp, step: OfStep): void {
    if (!this.withWaits) return
    const code = isTerminal(of.status) ? '' : (of.reasonInfo?.code ?? '')
    const now = waits.has(code) ? code : ''
    const known = this.open.get(key)
    if (known && known.code !== now) {
      this.open.delete(key)
      if (timestampMs(at) - known.sinceMs >= shortestMs) {
        this.tellWait({ ...this.waited(key, known, known.last ?? step), until: at })
      }
    }
    if (now === '') return
    const open = this.open.get(key) ?? { code: now, sinceMs: timestampMs(at), last: undefined }
    // Most of it is never told.
    open.last = { ...step, ...why(of) }
    this.open.set(key, open)
  }

  private tellWait(event: RunEvent): void {
    this.told.set(event.id, event)
  }

  private waited(key: string, { code, sinceMs }: { code: string; sinceMs: number }, last: Init): RunEvent {
    const id = `wait ${key} ${sinceMs}`
    const reasonInfo = { code, params: {} }
    return create(RunEventSchema, {
      ...{ id, kind: RunEventKind.WAITED, reasonInfo },
      at: timestampFromMs(sinceMs),
      ...last,
    })
  }

  private tell(id: string, event: Init): void {
    if (!this.told.has(id)) this.told.set(id, create(RunEventSchema, { id, ...event }))
  }
}

function why({ reason, reasonInfo }: Run | RunStep | Attempt): Pick<RunEvent, 'reason' | 'reasonInfo'> {
  return { reason, ...(reasonInfo && { reasonInfo }) }
}
