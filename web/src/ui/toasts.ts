// Short messages at the corner: what was done (with a way to undo it), or what was not.
import { readonly, ref } from 'vue'
import type { StatusName } from './status/status.ts'

export interface Toast {
  id: number
  text: string
  kind?: StatusName | undefined
  action?: { label: string; run: () => void } | undefined
  /** When it goes by itself. */
  endsAt: number
}

const list = ref<Toast[]>([])
const timers = new Map<number, ReturnType<typeof setTimeout>>()
let nextId = 1

export const toasts = readonly(list)

/** Failures stay for 8 seconds, what can be undone for 10, the rest for 4. Returns the id, to close it earlier. */
export function showToast(toast: Pick<Toast, 'text' | 'kind' | 'action'>): number {
  const id = nextId++
  const ms = toast.action ? 10_000 : toast.kind === 'failed' ? 8000 : 4000
  list.value = [...list.value, { ...toast, id, endsAt: Date.now() + ms }].slice(-4)
  timers.set(
    id,
    setTimeout(() => closeToast(id), ms),
  )
  return id
}

export function closeToast(id: number): void {
  clearTimeout(timers.get(id))
  timers.delete(id)
  list.value = list.value.filter((toast) => toast.id !== id)
}
