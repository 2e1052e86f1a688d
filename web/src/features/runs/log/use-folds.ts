// The groups of a log (`::group::` to `::endgroup::`, or to the next group) that a reader has folded. Where a group ends the controller
// finds in the stored log, since most lines of it are not here; the end of one that still grows is among the lines that come.
import { type Ref, shallowRef, watch } from 'vue'
import { api } from '../../../api.ts'
import { type Fold, type Folds, foldOver, withFold, withoutFold } from './folds.ts'
import type { LineBuffer } from './line-buffer.ts'
import { groupMark, groupMarks } from './line-view.ts'
import type { LogTarget } from './use-log.ts'

interface Log {
  buffer: Readonly<Ref<LineBuffer>>
  revision: Readonly<Ref<number>>
}

export function useFolds({ buffer, revision }: Log, target: () => LogTarget | undefined) {
  const folds = shallowRef<Folds>([])
  /** Of the group without an end: lines up to here do not end it. */
  let looked = 0

  // The same log may be opened anew; its lines stay what they are.
  const key = () => JSON.stringify(target())
  watch(key, () => {
    folds.value = []
    looked = 0
  })

  async function toggle(heading: number): Promise<void> {
    if (folds.value.some((fold) => fold.heading === heading)) {
      folds.value = withoutFold(folds.value, heading)
      return
    }
    const mine = key()
    const last = await lastFrom(heading + 1)
    if (key() === mine) folds.value = withFold(folds.value, { heading, last })
  }

  /** Of a group that has no end before this line. */
  async function lastFrom(first: number): Promise<number> {
    const of = target()
    const { total } = buffer.value
    let line = first
    for (; line <= total; line++) {
      const known = buffer.value.line(line)
      if (!known) break
      const last = endsAt(line, known.text)
      if (last !== undefined) return last
    }
    if (line <= total && of) {
      const request = { ...of, query: groupMarks, regex: true, firstLine: line, maxHits: 1 }
      for await (const { hits } of api.logs.searchLog(request)) {
        const [hit] = hits
        if (hit) return endsAt(hit.line, hit.text) ?? hit.line
      }
    }
    // The last line of a log that grows may not be whole.
    looked = Math.max(looked, total - 1)
    return Number.POSITIVE_INFINITY
  }

  let looking = false
  watch(revision, async () => {
    const open = folds.value.find(({ last }) => last === Number.POSITIVE_INFINITY)
    if (!open || looking) return
    looking = true
    try {
      const last = await lastFrom(Math.max(looked, open.heading) + 1)
      if (folds.value.includes(open)) folds.value = withFold(folds.value, { heading: open.heading, last })
    } catch {
      // Looked for again with the next lines; until then the group goes on.
    } finally {
      looking = false
    }
  })

  /** Opens what hides a line. */
  function reveal(line: number): void {
    const over: Fold | undefined = foldOver(folds.value, line)
    if (over) folds.value = withoutFold(folds.value, over.heading)
  }

  return { folds, toggle, reveal }
}

/** The last line that belongs to the group which this line ends. */
function endsAt(line: number, text: string): number | undefined {
  const mark = groupMark(text)
  return mark === 'ends' ? line : mark === 'begins' ? line - 1 : undefined
}
