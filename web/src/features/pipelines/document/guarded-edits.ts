// The edits of a person, each asked for before it is made: what the controller would refuse for its size is told and left undone.
import type { Gate } from '@ansflow/proto/pipeline-doc'
import type { Said } from '@ansflow/proto/texts/say'
import { ref } from 'vue'
import { createEdits, type EditsOf } from './edits.ts'

type AllEdits = ReturnType<typeof createEdits>
type Reads = 'copy' | 'inputIds'

/** What was refused answers undefined; `apply`, which is the file's, answers why. */
export type Edits = {
  [K in Exclude<keyof AllEdits, Reads | 'apply'>]: (
    ...args: Parameters<AllEdits[K]>
  ) => ReturnType<AllEdits[K]> | undefined
} & Pick<AllEdits, Reads> & { apply(...args: Parameters<AllEdits['apply']>): Said | undefined }

/** Counts what was refused: a field that shows what it did not get shows the document again. */
export const refusedEdits = ref(0)

/** Of a step beside what is written in it. */
const stepBytes = 1000
/** A letter has three bytes at most. */
const bytesOf = (value: unknown) => 3 * (JSON.stringify(value, plain)?.length ?? 0)
const plain = (_key: string, value: unknown) => (value instanceof Map ? [...value] : value)

/** At most; unknown: it is tried. */
const unknown = { bytes: Number.POSITIVE_INFINITY, steps: 0 }
const measures: { [K in keyof AllEdits]?: (...args: Parameters<AllEdits[K]>) => { bytes: number; steps: number } } = {
  add: (step) => ({ bytes: bytesOf(step) + 8 * stepBytes, steps: 1 }),
  remove: (nodeIds) => ({ bytes: bytesOf(nodeIds) + nodeIds.length * stepBytes, steps: 0 }),
  restore: (nodeIds, past) => ({ bytes: bytesOf([nodeIds, past]) + stepBytes, steps: nodeIds.length }),
  paste: () => unknown,
  duplicate: () => unknown,
  rename: () => unknown,
  // Its text, what the steps say, and their comments.
  apply: ({ steps }, source) => ({ bytes: 4 * bytesOf(source) + steps.length * stepBytes, steps: steps.length }),
}

export function createGuardedEdits(of: EditsOf & { gate: Gate; onRefused(said: Said): void }): Edits {
  const edits = createEdits(of)
  const silent = { ...of.undo, name: () => undefined }
  const refusal = (name: keyof AllEdits, args: never[]): Said | undefined => {
    const measure = measures[name] as ((...args: never[]) => { bytes: number; steps: number }) | undefined
    const said = of.gate.refuses(measure?.(...args) ?? { bytes: bytesOf(args) + 4 * stepBytes, steps: 0 }, (copy) => {
      const there = createEdits({ ...of, ydoc: copy, undo: silent })
      ;(there[name] as (...args: never[]) => unknown)(...args)
    })
    if (said) refusedEdits.value += 1
    return said
  }
  const guarded = Object.fromEntries(
    Object.entries(edits).map(([name, edit]) => [
      name,
      (...args: never[]) => {
        const said = refusal(name as keyof AllEdits, args)
        if (!said) return (edit as (...args: never[]) => unknown)(...args)
        of.onRefused(said)
        return undefined
      },
    ]),
  )
  return {
    ...(guarded as unknown as Edits),
    copy: edits.copy,
    inputIds: edits.inputIds,
    apply(...args) {
      const said = refusal('apply', args as unknown as never[])
      if (!said) edits.apply(...args)
      return said
    },
  }
}
