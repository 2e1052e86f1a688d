// Writes the rows: each in the transaction of the change it tells of.
import { AuditActorKind } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import type { Clock } from '../../platform/clock.ts'
import type { Db, EntityManager } from '../../platform/db.ts'
import { idAt } from '../../platform/ids.ts'
import type { Act, Audit, Caller, Change } from '../../transport/call.ts'
import { AuditEventEntity } from './audit-event.entity.ts'

export function createAudit({ db, clock }: { db: Db; clock: Clock }): Audit {
  return {
    change: (act, work) =>
      db.transaction(async (em) => {
        const { result, ...change } = await work(em)
        await writeAct(em, clock.now(), act, change)
        return result
      }),
  }
}

/** Inside a transaction. */
export async function writeAct(em: EntityManager, now: Date, act: Act, change: Omit<Change<unknown>, 'result'>) {
  const { kind, id, name = '' } = change.resource
  await em.insert(AuditEventEntity, {
    id: idAt(now),
    at: now,
    organizationId: change.organizationId ?? act.scope?.organizationId ?? ownOrganization(act.caller),
    projectId: change.projectId ?? act.scope?.projectId ?? '',
    ...actorOf(act.caller.kind === 'anonymous' ? (change.actor ?? act.caller) : act.caller),
    action: act.action,
    resourceKind: kind,
    resourceId: id,
    resourceName: cut(name, 255),
    before: short(change.before),
    after: short(change.after),
    address: cut(act.peer.address, 64),
    client: cut(act.peer.userAgent, 256),
    failure: change.failure ?? '',
    requestId: act.requestId,
  })
}

/** What a person does to their own account is told to the organization they have belonged to longest. */
function ownOrganization(caller: Caller): string {
  if (caller.kind === 'agent') return caller.organizationId
  return caller.kind === 'user' ? (caller.grants[0]?.organizationId ?? '') : ''
}

function actorOf(caller: Caller | { id: string; name: string }) {
  if (!('kind' in caller)) {
    return { actorKind: AuditActorKind.PERSON, actorId: caller.id, actorName: cut(caller.name, 255), tokenId: '' }
  }
  if (caller.kind === 'agent') {
    return { actorKind: AuditActorKind.AGENT, actorId: caller.agentId, actorName: '', tokenId: '' }
  }
  if (caller.kind === 'anonymous') {
    return { actorKind: AuditActorKind.ANONYMOUS, actorId: '', actorName: '', tokenId: '' }
  }
  const { userId, name, token } = caller
  const tokenId = token?.id ?? ''
  const actorKind = tokenId === '' ? AuditActorKind.PERSON : AuditActorKind.TOKEN
  return { actorKind, actorId: userId, actorName: cut(name, 255), tokenId }
}

const mostBytes = 4096

function short(values: Record<string, unknown> = {}): string {
  const text = JSON.stringify(values)
  return text.length <= mostBytes ? text : JSON.stringify({ fields: Object.keys(values).slice(0, 50) })
}

function cut(text: string, length: number): string {
  return Array.from(text).slice(0, length).join('')
}
