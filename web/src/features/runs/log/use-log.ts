// One attempt's log for a viewer: lines fetched by number as they come into view, and the live tail while it grows.
import type { LogLine } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { type ApiError, api, toApiError } from '../../../api.ts'
import { subscribe } from '../../../live.ts'
import { LineBuffer, pageSize, type ViewLine } from './line-buffer.ts'

export interface LogTarget {
  runId: string
  stepId: string
  attempt: number
}

/** A last line longer than this is not streamed again for the sake of its unfinished end. */
const rereadAtMost = 64 * 1024

export function useLog(target: () => LogTarget | undefined) {
  const buffer = shallowRef(new LineBuffer())
  /** Grows with every change of the buffer; what renders lines reads it. */
  const revision = ref(0)
  const loading = ref(true)
  const error = shallowRef<ApiError>()
  const bytes = ref(0n)
  let stop: (() => void) | undefined
  let opening = 0
  let pending = new Set<number>()
  let frame = 0

  watch(target, open, { immediate: true })
  onScopeDispose(close)

  function close(): void {
    stop?.()
    stop = undefined
    cancelAnimationFrame(frame)
    frame = 0
  }

  async function open(): Promise<void> {
    close()
    const mine = ++opening
    const of = target()
    buffer.value = new LineBuffer()
    pending = new Set()
    error.value = undefined
    loading.value = of !== undefined
    revision.value++
    if (!of) return
    try {
      const end = await api.logs.readLines({ ...of, firstLine: -1, maxLines: 1 })
      if (mine !== opening) return
      const last = end.lines[0]
      const reread = last !== undefined && !end.complete && last.size <= rereadAtMost
      buffer.value.startTail(reread ? end.totalLines - 1 : end.totalLines, undefined)
      buffer.value.complete = end.complete
      buffer.value.part = end.part
      bytes.value = end.totalBytes
      if (!end.complete) follow(of, reread ? last.offset : end.totalBytes, mine)
    } catch (cause) {
      if (mine === opening) error.value = toApiError(cause)
    } finally {
      if (mine === opening) {
        loading.value = false
        revision.value++
      }
    }
  }

  function follow(of: LogTarget, offset: bigint, mine: number): void {
    stop = subscribe(`log/${of.runId}/${of.stepId}/${of.attempt}`, {
      offset,
      onChunk(chunk) {
        if (mine !== opening) return
        buffer.value.append(chunk.data, Date.now())
        bytes.value = chunk.offset + BigInt(chunk.data.length)
        if (chunk.complete) {
          buffer.value.complete = true
          buffer.value.part = chunk.part
          stop?.()
        }
        changed()
      },
      onResync: () => void open(),
    })
  }

  /** Many chunks in one frame are one drawing. */
  function changed(): void {
    frame ||= requestAnimationFrame(() => {
      frame = 0
      revision.value++
    })
  }

  /** Fetches what of lines first…last is not here. */
  async function need(first: number, last: number): Promise<void> {
    const of = target()
    const mine = opening
    if (!of) return
    for (const page of buffer.value.missingPages(first, last)) {
      if (pending.has(page)) continue
      pending.add(page)
      try {
        const answer = await api.logs.readLines({ ...of, firstLine: page * pageSize + 1, maxLines: pageSize })
        if (mine !== opening) return
        buffer.value.putPage(page, answer.lines.map(toViewLine))
        revision.value++
      } catch (cause) {
        if (mine === opening) error.value = toApiError(cause)
      } finally {
        pending.delete(page)
      }
    }
  }

  return { buffer, revision, loading, error, bytes, need, reload: open }
}

export function toViewLine(line: LogLine): ViewLine {
  return {
    number: line.number,
    text: line.text,
    at: line.at ? timestampMs(line.at) : undefined,
    cutFrom: line.size > BigInt(line.text.length * 4 + 2) ? Number(line.size) : undefined,
  }
}
