// A line of text on the live document: what is typed is written after a short rest, on Enter and on leaving, never while composing.
import { onBeforeUnmount, type Ref, ref, watch } from 'vue'
import { refusedEdits } from '../../../document/guarded-edits.ts'
import { useHeldTyping } from '../../held-typing.ts'

export interface LiveText {
  /** What the document says. */
  value: () => string
  commit: (text: string) => void
  /**
   * For names: half of one is another name, which may be taken, so it is written when it is complete. Answers whether a text may
   * be written; one that may not is put back on leaving.
   */
  whole?: (() => ((text: string) => boolean) | undefined) | undefined
  /** What was typed stays until the field is left, also where the document says it otherwise. */
  stays?: boolean
}

const restMs = 400

export function useLiveText({ value, commit: write, whole, stays = false }: LiveText) {
  const text: Ref<string> = ref(value())
  const wrong = ref(false)
  const hold = useHeldTyping()
  let composing = false
  let dirty = false
  let inside = false
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(value, (now) => {
    // What is being typed here is not torn away by someone else's change; leaving the field decides.
    if (!dirty && !inside) text.value = now
  })

  watch(refusedEdits, () => {
    if (!dirty) text.value = value()
  })

  function dirt(is: boolean): void {
    dirty = is
    hold(is)
  }
  function typed(event: Event): void {
    text.value = (event.target as HTMLInputElement).value
    dirt(true)
    inside = stays
    clearTimeout(timer)
    const allows = whole?.()
    wrong.value = allows !== undefined && text.value !== value() && !allows(text.value)
    if (!composing && !allows) timer = setTimeout(commit, restMs)
  }
  function commit(): void {
    clearTimeout(timer)
    if (!dirty || composing) return
    dirt(false)
    const allows = whole?.()
    if (text.value === value()) return
    if (!allows || allows(text.value)) write(text.value)
    else text.value = value()
    wrong.value = false
  }
  /** Afterwards the field shows what the document says. */
  function left(): void {
    composing = false
    commit()
    inside = false
  }
  function composed(event: Event): void {
    composing = false
    typed(event)
  }
  /** True: there was something to forget. */
  function forget(): boolean {
    const was = dirty
    clearTimeout(timer)
    dirt(false)
    inside = false
    wrong.value = false
    text.value = value()
    return was
  }
  onBeforeUnmount(commit)

  return {
    text,
    wrong,
    typed,
    commit,
    left,
    composed,
    forget,
    /** What others have written meanwhile stands there again. */
    show: () => {
      text.value = value()
    },
    composing: () => {
      composing = true
    },
  }
}
