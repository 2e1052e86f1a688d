// Who could decide an approval, and what to say where nobody can, or too few: before a run asks, and while it waits. Pure.
import { can, type Grant, type ProjectScope } from '@ansflow/proto/access'
import { approverParts, namesPerson } from '@ansflow/proto/approval'
import type { ApprovalDemand, Demands } from '@ansflow/proto/demands'
import { type Said, say } from '@ansflow/proto/texts/say'

/** A member of the project. */
export interface Candidate {
  userId: string
  name: string
  /** Lower case. */
  email: string
  grants: Grant[]
}

const anyToken = ['*']

export function couldDecide(
  approvers: readonly string[],
  people: readonly Candidate[],
  scope: ProjectScope,
): Candidate[] {
  return people.filter((person) => mayDecide(person, scope) && namesPerson(approvers, person, scope))
}

function mayDecide({ grants }: Candidate, scope: ProjectScope): boolean {
  return can({ grants, scopes: anyToken }, 'approval.decide', scope)
}

/** What to say of an approval before any run asks for it. `reader`: who reads it, and may start a run. */
export function unanswerable(
  { approvers, required, selfApproval }: ApprovalDemand,
  people: readonly Candidate[],
  scope: ProjectScope,
  { startsItself, reader }: Pick<Demands, 'startsItself'> & { reader: string },
): Said[] {
  const able = couldDecide(approvers, people, scope)
  if (able.length === 0) return [say('approval_no_one', { approvers: approvers.join(', ') })]
  const said = approvers.flatMap((approver) => unable(approver, people, scope) ?? [])
  const named = { required, people: namesOf(able) }
  if (able.length < required) return [...said, say('approval_too_few', { ...named, count: able.length })]
  if (selfApproval) return said
  const enoughWithout = (userId: string) => able.filter((each) => each.userId !== userId).length >= required
  const starters = people.filter(({ grants }) => can({ grants, scopes: anyToken }, 'run.start', scope))
  if (!startsItself && !starters.some(({ userId }) => enoughWithout(userId)))
    return [...said, say('approval_own_all', named)]
  return enoughWithout(reader) ? said : [...said, say('approval_own', named)]
}

/** Somebody named by address, beside others, who is no member or only looks. */
function unable(approver: string, people: readonly Candidate[], scope: ProjectScope): Said | undefined {
  const { kind, who } = approverParts(approver)
  if (kind !== 'user') return undefined
  const member = people.find(({ email }) => email === who.toLowerCase())
  if (member && mayDecide(member, scope)) return undefined
  return say('approval_unable', { who, ...(member && { viewer: 'true' }) })
}

interface Waiting {
  approvers: readonly string[]
  /** That still have to approve. */
  missing: number
  /** Who have decided. */
  decided: readonly string[]
  /** Who started the run and may not decide; empty: nobody is kept from it. */
  starter: { userId: string; name: string }
}

/** What keeps an approval that waits from being given; undefined: enough may decide it. */
export function stuckSaid(
  { approvers, missing, decided, starter }: Waiting,
  people: readonly Candidate[],
  scope: ProjectScope,
): Said | undefined {
  const able = couldDecide(approvers, people, scope).filter(({ userId }) => !decided.includes(userId))
  const left = able.filter(({ userId }) => userId !== starter.userId)
  if (left.length >= missing) return undefined
  if (able.length >= missing)
    return say('stuck_own', { who: starter.name, approvers: approvers.join(', '), count: left.length })
  if (able.length === 0) return say('stuck_nobody', { approvers: approvers.join(', ') })
  return say('stuck_few', { missing, count: left.length, people: namesOf(left) })
}

const mostNamed = 5

function namesOf(people: readonly Candidate[]): string {
  const names = people.slice(0, mostNamed).map(({ name, email }) => name || email)
  return names.join(', ') + (people.length > mostNamed ? ' …' : '')
}
