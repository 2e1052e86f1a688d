// How long steps usually take, from how long they took.
import { type GetUsualTimesResponse, GetUsualTimesResponseSchema } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { create } from '@bufbuild/protobuf'
import type { RecentSteps } from '../runs/index.ts'

export function usualTimes({ runs, times, last }: RecentSteps): GetUsualTimesResponse {
  return create(GetUsualTimesResponseSchema, {
    runs,
    ...(last && { last }),
    times: [...times].map(([stepId, took]) => {
      const sorted = took.toSorted((a, b) => a - b)
      const tookMs = sorted.map((ms) => Math.max(0, ms))
      return { stepId, medianMs: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95), runs: sorted.length, tookMs }
    }),
  })
}

/** Of those in order, the one that the share of them is not above. */
function quantile(sorted: readonly number[], share: number): number {
  return Math.max(0, sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
}
