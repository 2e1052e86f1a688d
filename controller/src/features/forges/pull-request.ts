// Requests that AnsFlow opens: what all forges are asked in the same way.
import type { NewPullRequest } from './forge.ts'
import { idIn, readAnswer } from './forge-http.ts'
import { type Part, shownText } from './payload.ts'

export const longestRequestTitle = 255
/** The least that a forge takes. */
export const longestRequestBody = 32_000

/** Some forges do what a line says that begins so, as whoever the credentials are. */
const commands = /^([^\S\n]*)\//gm

export interface RequestWords {
  title: string
  body: string
}

export function requestWords({ title, body }: NewPullRequest): RequestWords {
  return {
    title: shownText(title, longestRequestTitle, 'line'),
    body: shownText(body.replaceAll(commands, '$1\\/'), longestRequestBody, 'lines'),
  }
}

export interface RequestFields {
  /** Of the forge, for messages. */
  name: string
  number: (request: Part) => Part
  url: (request: Part) => Part
}

/** The open one that `found` holds is changed; without one it is made. */
export async function putRequest(
  { name, number, url }: RequestFields,
  found: Part | undefined,
  ask: (number: string | undefined) => Promise<Part>,
): Promise<{ number: number; url: string }> {
  const known = found && readAnswer(name, () => idIn(number(found)))
  const request = await ask(known)
  return readAnswer(name, () => ({ number: number(request).number(), url: url(request).link() }))
}

export function branchPath(branch: string): string {
  return branch.split('/').map(encodeURIComponent).join('/')
}
