// What is read once and then followed on a live topic. A change that comes while it is being read is told after the
// reading, and what was read before the topic was followed is read again: nothing falls between the two.
import type { LiveResponse } from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { onScopeDispose, watch } from 'vue'
import { subscribe } from './live.ts'
import { type Loaded, useLoad } from './ui/use-async.ts'

type Change = LiveResponse['kind']

interface Source<T> {
  /** What is followed; undefined: not yet known. Another topic forgets what was there. */
  topic: () => string | undefined
  read: (signal: AbortSignal) => Promise<T>
  /** What is held, after one message. */
  apply: (held: T, change: Change) => T
}

export function useFollowed<T>({ topic, read, apply }: Source<T>): Loaded<T | undefined> {
  /** What has come since the reading began that goes on. */
  let since: Change[] | undefined
  const loaded = useLoad<T | undefined>(
    async (signal) => {
      if (topic() === undefined) return undefined
      const mine: Change[] = []
      since = mine
      try {
        const answer = await read(signal)
        return mine.reduce(apply, answer)
      } finally {
        if (since === mine) since = undefined
      }
    },
    { on: topic },
  )

  function take(change: Change): void {
    since?.push(change)
    if (loaded.data.value !== undefined) loaded.data.value = apply(loaded.data.value, change)
  }

  let stop = () => {}
  const again = () => void loaded.reload()
  watch(
    topic,
    (name) => {
      stop()
      stop =
        name === undefined
          ? () => {}
          : subscribe(name, { onMessage: ({ kind }) => take(kind), onSubscribed: again, onResync: again })
    },
    { immediate: true },
  )
  onScopeDispose(() => stop())
  return loaded
}
