// What started a run, in short.
import { create } from '@bufbuild/protobuf'
import {
  type GitFacts,
  type PersonCause,
  PersonCauseSchema,
  type RunOrigin,
  RunOriginSchema,
} from '../gen/ansflow/v1/runs_pb.js'

/** Who is shown as having started it. `userId` is empty where no person did. */
export function starterOf(origin: RunOrigin | undefined): { userId: string; name: string } {
  const cause = origin?.cause
  switch (cause?.case) {
    case 'person':
      return { userId: cause.value.userId, name: cause.value.name }
    case 'token':
      return { userId: cause.value.userId, name: cause.value.userName }
    case 'webhook':
      return { userId: '', name: cause.value.sender || cause.value.name }
    case 'run':
      return { userId: '', name: `${cause.value.pipelineName} #${cause.value.number}` }
    default:
      return { userId: '', name: cause?.value?.name ?? '' }
  }
}

/** The person to whom it goes back, as far as one is known: who started it, or a run that led to it. */
export function personBehind(origin: RunOrigin | undefined): PersonCause | undefined {
  const { userId, name } = starterOf(origin)
  return userId === '' ? origin?.behind : create(PersonCauseSchema, { userId, name })
}

/** By whom the commit is that it is for: of "Name <mail>", in small letters; empty: it is not known. */
export function authorMailOf(origin: Pick<RunOrigin, 'git'> | undefined): string {
  const [, mail = ''] = /<([^<>]*)>\s*$/.exec(origin?.git?.author ?? '') ?? []
  return mail.trim().toLowerCase().slice(0, 255)
}

/** What started it, as the file calls it; `run.trigger` in expressions. */
export function triggerOf(origin: RunOrigin | undefined): string {
  const words = { person: 'manual', token: 'api', schedule: 'schedule', webhook: 'webhook', run: 'run' } as const
  if (origin?.cause.case === 'webhook' && origin.cause.value.repositoryId !== '') return origin.git?.event || 'webhook'
  return words[origin?.cause.case ?? 'person']
}

export function byPerson(userId: string, name: string, git?: GitFacts): RunOrigin {
  return create(RunOriginSchema, { cause: { case: 'person', value: { userId, name } }, ...(git && { git }) })
}
