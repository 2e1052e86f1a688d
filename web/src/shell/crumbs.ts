// Where the page is, for the top bar. A page that knows more than its route's title says it with `useCrumbs`.
import { onScopeDispose, shallowRef, watchEffect } from 'vue'

export interface Crumb {
  label: string
  to?: string
}

export const crumbs = shallowRef<Crumb[]>()

/** The last page that set crumbs wins; they go with it. */
export function useCrumbs(read: () => Crumb[]): void {
  let mine: Crumb[] = []
  watchEffect(() => {
    mine = read()
    crumbs.value = mine
  })
  onScopeDispose(() => {
    if (crumbs.value === mine) crumbs.value = undefined
  })
}
