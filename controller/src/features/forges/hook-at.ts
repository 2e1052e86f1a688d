// The hook that already sends to an address: it is changed, and no second one is made.
import { eachPage, idIn, readAnswer } from './forge-http.ts'
import type { Part } from './payload.ts'

interface Hooks {
  /** Of the forge. */
  name: string
  pageSize: number
  page(number: number): Promise<Part[]>
  urlOf(hook: Part): Part
  idOf(hook: Part): Part
}

/** Its id; undefined: there is none. */
export async function hookAt(url: string, { name, pageSize, page, urlOf, idOf }: Hooks): Promise<string | undefined> {
  let found: Part | undefined
  await eachPage(pageSize, page, (hooks) => {
    found = hooks.find((hook) => urlOf(hook).value === url)
    return found !== undefined
  })
  return found && readAnswer(name, () => idIn(idOf(found!)))
}
