// What stands in a field and not in the document yet: as long as there is such a thing, nothing here is called saved.
import { computed, onUnmounted, shallowReactive } from 'vue'

const held = shallowReactive(new Set<object>())

/** Whether something that was typed here has not been written down. */
export const isTypingHeld = computed(() => held.size > 0)

/** For one field: says whether it holds something. */
export function useHeldTyping(): (holds: boolean) => void {
  const field = {}
  onUnmounted(() => held.delete(field))
  return (holds) => {
    if (holds) held.add(field)
    else held.delete(field)
  }
}
