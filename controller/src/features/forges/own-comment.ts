// The one comment on a pull request that AnsFlow writes: found again by its id, or else by a mark in it, and changed. What others have
// written is left alone, whatever stands in it.
import type { JsonObject } from '@bufbuild/protobuf'
import { type ForgeComment, ForgeError } from './forge.ts'
import { type Ask, eachPage, idIn, idPath, queryOf, readAnswer } from './forge-http.ts'

export interface CommentsAt {
  /** Of the forge. */
  name: string
  /** Where they are listed, and a new one is made. */
  list: string
  /** Where one of them is, without its id. */
  each: string
  change: 'PATCH' | 'PUT'
  /** What the query calls the size of a page; undefined: all are answered at once. */
  pageSize: string | undefined
  /** Where the list stands in an answer; empty: it is the answer. */
  items: string
  /** Where text and author stand in one: "body", "user.login". */
  text: string
  author: string
}

const eachPageHas = 100
/** Of an answer that has all. */
const mostAtOnce = 5000

/** Answers its id. `own`: what the forge calls the account that the credentials are of. */
export async function putOwnComment(
  ask: Ask,
  own: () => Promise<string>,
  at: CommentsAt,
  { id, mark, text }: ForgeComment,
  signal: AbortSignal,
): Promise<string> {
  const body = bodyOf(at.text, text)
  const change = async (known: string) => {
    await ask(at.change, `${at.each}/${idPath(known)}`, signal, body)
    return known
  }
  if (id !== '') {
    const changed = await unlessGone(change(id))
    if (changed !== undefined) return changed
  }
  // Whoever made it may have died before its id was kept.
  const found = await markedComment(ask, own, at, mark, signal)
  if (found !== undefined) return change(found)
  const made = await ask('POST', at.list, signal, body)
  return readAnswer(at.name, () => idIn(made.body.at('id')))
}

/** Its id. */
async function markedComment(
  ask: Ask,
  own: () => Promise<string>,
  { name, list, pageSize, items, text, author }: CommentsAt,
  mark: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const most = pageSize === undefined ? mostAtOnce : eachPageHas
  let found: string | undefined
  let account: string | undefined
  await eachPage(
    most,
    async (page) => {
      const query = pageSize === undefined ? '' : queryOf({ [pageSize]: eachPageHas, page })
      const { body } = await ask('GET', list + query, signal)
      const all = readAnswer(name, () => (items === '' ? body : body.at(items)).items(most))
      const marked = all.filter((each) => String(each.at(text).value ?? '').includes(mark))
      if (marked.length === 0) return all
      account ??= (await own()).toLowerCase()
      // Anybody can copy the mark.
      const ours = marked.find((each) => each.at(author).shownOrNone(255).toLowerCase() === account)
      if (ours) found = readAnswer(name, () => idIn(ours.at('id')))
      return all
    },
    () => found !== undefined,
  )
  return found
}

async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ForgeError && error.fault === 'missing') return undefined
    throw error
  }
}

/** "content.raw" is an object in an object. */
function bodyOf(path: string, text: string): JsonObject {
  const [first = '', ...rest] = path.split('.')
  return { [first]: rest.length === 0 ? text : bodyOf(rest.join('.'), text) }
}

/** Where GitHub and those that speak as it does have them. */
export function issueComments(name: string, repository: string, number: number): CommentsAt {
  return {
    ...{ name, list: `${repository}/issues/${number}/comments`, each: `${repository}/issues/comments` },
    ...{ change: 'PATCH', pageSize: 'per_page', items: '', text: 'body', author: 'user.login' },
  }
}
