// The tab's title and mark where a page knows more than its route: "#12 nightly", with the status of what it shows as the icon.
import { onScopeDispose, shallowRef, watchEffect } from 'vue'
import type { StatusName } from '../ui/status/status.ts'

export interface PageTitle {
  text: string
  status?: StatusName | undefined
}

export const pageTitle = shallowRef<PageTitle>()

/** The last page that set a title wins; it goes with the page. */
export function usePageTitle(read: () => PageTitle | undefined): void {
  let mine: PageTitle | undefined
  watchEffect(() => {
    mine = read()
    pageTitle.value = mine
  })
  onScopeDispose(() => {
    if (pageTitle.value === mine) pageTitle.value = undefined
  })
}
