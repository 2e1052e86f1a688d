// Keys of a page. Single keys rest while somebody types or composes text; combinations with Ctrl or ⌘ always work.
import { onScopeDispose, shallowReactive } from 'vue'

/** What a page's keys do, for the sheet of keys: the last page that named some comes last. */
export const namedKeys = shallowReactive(new Map<symbol, () => KeyName[]>())

export interface KeyName {
  keys: string[]
  text: string
}

/** "mod+k" (⌘ on Apple's machines, Ctrl elsewhere), "shift+g" for letters but "?" for signs, sequences "g h". */
export function useHotkeys(
  keys: Record<string, ((event: KeyboardEvent) => void) | undefined>,
  names?: () => KeyName[],
): void {
  let last = { key: '', at: 0 }
  const id = Symbol('keys')
  if (names) namedKeys.set(id, names)

  function onKey(event: KeyboardEvent) {
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented || event.repeat) return
    const mod = event.ctrlKey || event.metaKey
    if (event.altKey || (!mod && isTyping(event.target))) return
    // What lies over the page has the keys.
    if (document.querySelector('[aria-modal="true"]')) return
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const shift = event.shiftKey && (mod || /^[a-z]$/.test(key)) ? 'shift+' : ''
    const pressed = `${mod ? 'mod+' : ''}${shift}${key}`
    const sequence = event.timeStamp - last.at < 1000 ? `${last.key} ${key}` : ''
    last = { key: mod ? '' : key, at: event.timeStamp }
    const found = (!mod && sequence && keys[sequence]) || keys[pressed]
    if (!found) return
    event.preventDefault()
    last = { key: '', at: 0 }
    found(event)
  }

  window.addEventListener('keydown', onKey)
  onScopeDispose(() => {
    window.removeEventListener('keydown', onKey)
    namedKeys.delete(id)
  })
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement && ['radio', 'checkbox', 'button'].includes(target.type)) return false
  return (
    target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest('.cm-editor') !== null
  )
}
