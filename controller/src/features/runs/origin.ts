// What starts a run, from the call that asks for it.
import { type FieldViolation, invalid, invalidField, violation } from '@ansflow/proto/errors'
import type { GitFacts, RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { limits } from '@ansflow/proto/limits'
import { gitRefProblem, gitUrlProblem } from '@ansflow/proto/steps/git-url'
import type { Said } from '@ansflow/proto/texts/say'
import { repositoryEventKinds } from '@ansflow/proto/triggers/repository-triggers'
import { byPerson, personBehind } from '@ansflow/proto/triggers/run-origin'
import type { EntityManager } from '../../platform/db.ts'
import type { CallContext } from '../../transport/call.ts'
import { personOf, projectOf } from '../../transport/call.ts'
import { isAllowed } from '../access/index.ts'

/** What is known of trust, where that is known: of a run that is repeated as it was. */
export type Trusted = Partial<Pick<RunOrigin, 'untrusted' | 'fileOf' | 'verified'>>

/** Trust is not gained on the way from one run to another, and nobody gets rid of being behind it. */
export function trustOf(origin: RunOrigin | undefined): Pick<RunOrigin, 'untrusted' | 'verified' | 'behind'> {
  const { untrusted = false, verified = false } = origin ?? {}
  const behind = personBehind(origin)
  return { untrusted, verified, ...(behind && { behind }) }
}

export function originOf(ctx: CallContext, git: GitFacts | undefined, trusted: Trusted = {}): RunOrigin {
  const { userId, name, token } = personOf(ctx)
  const origin = byPerson(userId, name, git)
  if (token) {
    const value = { tokenId: token.id, name: token.name, userId, userName: name }
    origin.cause = { case: 'token', value: { $typeName: 'ansflow.v1.TokenCause', ...value } }
  }
  const { untrusted = false, fileOf = '', verified = false } = trusted
  return Object.assign(origin, { untrusted, fileOf, verified })
}

/**
 * Of a repository of the project: where it is cloned from, whether strangers decide what a run would be for and nobody has approved it,
 * and whether the branch or tag that it says leads to the commit that it says. Undefined: the project has no such one.
 */
export type AskRepository = (
  em: EntityManager,
  projectId: string,
  git: GitFacts,
  signal: AbortSignal,
) => Promise<{ url: string; untrusted: boolean; verified: boolean } | undefined>

/** What is fetched by itself is what the project has connected, whoever asks; the address need not be said. */
export async function checkRepository(
  ctx: CallContext,
  git: GitFacts | undefined,
  draft: boolean,
  askRepository: AskRepository,
): Promise<Trusted> {
  // Who may change the rules of environments is believed.
  const isBelieved = ctx.scope !== undefined && isAllowed(ctx.caller, 'environment.manage', ctx.scope)
  if (!git || git.repositoryId === '') return { verified: isBelieved }
  const found = await askRepository(ctx.em, projectOf(ctx), git, ctx.signal)
  if (!found) throw invalidField('git.repositoryId', 'must be a repository of the project')
  const { url, untrusted, verified } = found
  if (git.repository !== '' && git.repository !== url) {
    throw invalidField('git.repository', `must be the address of that repository, ${url}, or be left out`)
  }
  git.repository = url
  // Its files are looked at.
  git.fileHashes = {}
  // Of a draft only whoever runs it says what its steps do.
  return { untrusted, verified: !untrusted && (isBelieved || (verified && !draft)) }
}

const longest = {
  author: 256,
  message: 4096,
  headRepository: 512,
  sender: 256,
  title: 1024,
  repositoryName: 512,
} as const

/** Throws with every field of it that will not do. */
export function checkGitFacts(git: GitFacts | undefined): void {
  if (!git) return
  const violations: FieldViolation[] = []
  const refuse = (field: keyof GitFacts, message: string) => violations.push({ field: `git.${field}`, message })
  const check = (field: keyof GitFacts, said: Said | undefined) => {
    if (said !== undefined) violations.push(violation(`git.${field}`, said))
  }
  if (git.repository !== '') {
    check('repository', gitUrlProblem(git.repository))
    if (/^https?:\/\/[^/]*@/i.test(git.repository)) refuse('repository', 'must not name a user: it may be a token')
  }
  for (const field of ['ref', 'branch', 'tag', 'baseBranch'] as const) check(field, gitRefProblem(git[field]))
  for (const field of ['commit', 'baseCommit', 'before'] as const) {
    if (git[field] !== '' && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(git[field])) {
      refuse(field, 'must be 40 or 64 hexadecimal digits, in small letters')
    }
  }
  if (git.event !== '' && !repositoryEventKinds.some((kind) => kind === git.event)) {
    refuse('event', `must be one of ${repositoryEventKinds.join(', ')}`)
  }
  if (!/^[a-z]{0,20}$/.test(git.action)) refuse('action', 'must be one word of small letters')
  for (const [field, most] of Object.entries(longest)) {
    const name = field as keyof typeof longest
    if (git[name].length > most) refuse(name, `must have at most ${most} characters`)
  }
  if (git.labels.length > 100) refuse('labels', 'must be at most 100')
  if (git.labels.some((label) => label.length > 256)) refuse('labels', 'must have at most 256 characters each')
  const lists = Object.keys(git.changed)
  if (lists.length > limits.changedLists) refuse('changed', `must be at most ${limits.changedLists}`)
  if (lists.some((list) => list.length > limits.changedLength)) {
    refuse('changed', `must have at most ${limits.changedLength} characters each`)
  }
  const hashes = Object.entries(git.fileHashes)
  if (hashes.length > limits.changedLists) refuse('fileHashes', `must be at most ${limits.changedLists}`)
  if (hashes.some(([list]) => list.length > limits.changedLength)) {
    refuse('fileHashes', `must have at most ${limits.changedLength} characters each`)
  }
  if (hashes.some(([, hash]) => !/^(?:[0-9a-f]{64})?$/.test(hash))) {
    refuse('fileHashes', 'must be 64 hexadecimal digits each, in small letters, or empty')
  }
  if (violations.length > 0) throw invalid(violations)
}
