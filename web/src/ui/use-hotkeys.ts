// Keys of a page. Single keys rest while somebody types or composes text; combinations with Ctrl or ⌘ always work.
import { onScopeDispose } from 'vue'

/** "mod+k" (⌘ on Apple's machines, Ctrl elsewhere), "shift+?" is written "?", sequences "g h". */
export function useHotkeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  let last = { key: '', at: 0 }

  function onKey(event: KeyboardEvent) {
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented || event.repeat) return
    const mod = event.ctrlKey || event.metaKey
    if (event.altKey || (!mod && isTyping(event.target))) return
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const pressed = mod ? `mod+${event.shiftKey ? 'shift+' : ''}${key}` : key
    const sequence = event.timeStamp - last.at < 1000 ? `${last.key} ${key}` : ''
    last = { key: mod ? '' : key, at: event.timeStamp }
    const found = (!mod && sequence && keys[sequence]) || keys[pressed]
    if (!found) return
    event.preventDefault()
    last = { key: '', at: 0 }
    found(event)
  }

  window.addEventListener('keydown', onKey)
  onScopeDispose(() => window.removeEventListener('keydown', onKey))
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest('.cm-editor') !== null
  )
}
