// Whether a run is one of a person, as ListRuns filters by them.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { authorMailOf, starterOf } from '@ansflow/proto/triggers/run-origin'

/** `email` as the account has it, in small letters; empty: it is not known. */
export function isOfPerson({ origin }: Pick<Run, 'origin'>, person: { userId: string; email: string }): boolean {
  const mail = authorMailOf(origin)
  return starterOf(origin).userId === person.userId || (mail !== '' && mail === person.email)
}
