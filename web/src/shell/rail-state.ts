// Whether the rail is narrow, remembered in this browser.
import { ref } from 'vue'

const stored = 'ansflow.rail'

export const railNarrow = ref(localStorage.getItem(stored) === 'narrow')

export function toggleRail(): void {
  railNarrow.value = !railNarrow.value
  localStorage.setItem(stored, railNarrow.value ? 'narrow' : 'wide')
}
