// What is selected by a key, by the page's own choice or elsewhere is seen: its list or graph scrolls to it, the page does not.
import { onMounted, onScopeDispose, type ShallowRef, watch } from 'vue'

/** Room kept round it, so that it is seen that it goes on there. */
const roomPx = 20

/** `area` scrolls; what is selected in it has `aria-current` or `aria-pressed`. Also when the area gets another size. */
export function useSelectedInView(area: Readonly<ShallowRef<HTMLElement | null>>, selected: () => unknown): void {
  function show(): void {
    const selectedElement = area.value?.querySelector('[aria-current="true"], [aria-pressed="true"]')
    if (!area.value || !selectedElement) return
    const outer = area.value.getBoundingClientRect()
    const inner = selectedElement.getBoundingClientRect()
    area.value.scrollBy({
      left: missing(inner.left - outer.left, inner.width, area.value.clientWidth),
      top: missing(inner.top - outer.top, inner.height, area.value.clientHeight),
    })
  }
  const observer = new ResizeObserver(show)
  onMounted(() => area.value && observer.observe(area.value))
  onScopeDispose(() => observer.disconnect())
  watch(selected, show, { flush: 'post' })
}

/** How far to scroll until a thing that begins `at` and is `size` long lies within `room`; nothing when it does. */
function missing(at: number, size: number, room: number): number {
  if (at < 0) return at - roomPx
  const over = at + size - room
  return over > 0 ? Math.min(over + roomPx, at) : 0
}
