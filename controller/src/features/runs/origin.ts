// What starts a run, from the call that asks for it.
import { type FieldViolation, invalid, violation } from '@ansflow/proto/errors'
import type { GitFacts, RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { byPerson } from '@ansflow/proto/run-origin'
import { gitRefProblem, gitUrlProblem } from '@ansflow/proto/steps/git-url'
import type { Said } from '@ansflow/proto/texts/say'
import type { CallContext } from '../../transport/call.ts'
import { personOf } from '../../transport/call.ts'

export function originOf(ctx: CallContext, git: GitFacts | undefined): RunOrigin {
  const { userId, name, token } = personOf(ctx)
  const origin = byPerson(userId, name, git)
  if (token) {
    const value = { tokenId: token.id, name: token.name, userId, userName: name }
    origin.cause = { case: 'token', value: { $typeName: 'ansflow.v1.TokenCause', ...value } }
  }
  return origin
}

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
  for (const field of ['ref', 'branch', 'tag'] as const) check(field, gitRefProblem(git[field]))
  if (git.commit !== '' && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(git.commit)) {
    refuse('commit', 'must be 40 or 64 hexadecimal digits, in small letters')
  }
  if (git.author.length > 256) refuse('author', 'must have at most 256 characters')
  if (git.message.length > 4096) refuse('message', 'must have at most 4096 characters')
  if (violations.length > 0) throw invalid(violations)
}
