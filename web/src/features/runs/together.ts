// Steps that a template brought, as the one step of the pipeline that stands for them: "web/install" is a part of "web". Pure.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { namesTo } from './step-path.ts'

/** The key of the step that stands for it in the pipeline; its own, when it is written there. */
export function standsFor(key: string): string {
  const cut = key.indexOf('/')
  return cut < 0 ? key : key.slice(0, cut)
}

export function partsOf(key: string, steps: Iterable<RunStep>): RunStep[] {
  return [...steps].filter((step) => !step.copyOf && step.id.startsWith(`${key}/`))
}

// What is told of them first: what goes on, then what is worst.
const going = [StepStatus.RUNNING, StepStatus.QUEUED, StepStatus.WAITING]
const ended = [StepStatus.FAILED, StepStatus.LOST, StepStatus.CANCELED, StepStatus.SUCCEEDED, StepStatus.SKIPPED]

/** The one that says how they stand together, with the times of all; undefined: there are none. */
export function together(key: string, parts: readonly RunStep[]): RunStep | undefined {
  const isOver = parts.every(({ status }) => isTerminal(status))
  const isFailure = ({ status, failureAllowed }: RunStep) => status !== StepStatus.FAILED || !failureAllowed
  const order = isOver ? ended : going
  const telling =
    order.map((status) => parts.find((step) => step.status === status && isFailure(step))).find(Boolean) ??
    parts.find(({ status }) => !isTerminal(status)) ??
    parts[0]
  if (telling === undefined) return undefined
  const begun = parts.flatMap(({ startedAt }) => (startedAt ? [startedAt] : []))
  const done = parts.flatMap(({ finishedAt }) => (finishedAt ? [finishedAt] : []))
  const at = ({ seconds, nanos }: NonNullable<RunStep['startedAt']>) => Number(seconds) + nanos / 1e9
  const { startedAt: _, finishedAt: __, child: ___, ...rest } = telling
  const first = begun.toSorted((a, b) => at(a) - at(b))[0]
  const last = done.toSorted((a, b) => at(a) - at(b)).at(-1)
  return {
    ...rest,
    id: key,
    name: namesTo(telling).slice(0, key.split('/').length).join(' / '),
    copies: 0,
    attempts: [],
    outputs: {},
    ...(first && { startedAt: first }),
    ...(isOver && last && { finishedAt: last }),
  }
}
