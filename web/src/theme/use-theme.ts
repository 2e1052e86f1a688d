// The chosen theme (light, dark, or the system's) and what it comes to now; public/theme.js applies the same before the first paint.
import { computed, readonly, ref, watchEffect } from 'vue'

export type ThemeChoice = 'light' | 'dark' | 'system'

const stored = 'ansflow.theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const systemDark = ref(system.matches)
const choice = ref<ThemeChoice>(parseTheme(localStorage.getItem(stored)))

const theme = computed(() => (choice.value === 'system' ? (systemDark.value ? 'dark' : 'light') : choice.value))

system.addEventListener('change', (event) => {
  systemDark.value = event.matches
})
watchEffect(() => {
  document.documentElement.dataset.theme = theme.value
})

export function useTheme() {
  return { choice: readonly(choice), theme, setTheme }
}

export function setTheme(next: ThemeChoice): void {
  choice.value = next
  localStorage.setItem(stored, next)
}

export function parseTheme(value: string | null): ThemeChoice {
  return value === 'light' || value === 'dark' ? value : 'system'
}
