// What people, tokens and agents changed.
import { feature } from '../../feature.ts'
import { auditApi } from './audit.api.ts'
import { AuditEventEntity } from './audit-event.entity.ts'
import { createAudit, writeAct } from './audit-trail.ts'

export const auditFeature = feature({
  name: 'audit',
  entities: [AuditEventEntity],
  open: ({ db, clock }) => ({
    services: [auditApi()],
    participants: [
      {
        name: 'audit',
        wants: ({ acts }) => acts.length > 0,
        async write(to, changes, now) {
          const em = to.em()
          for (const { run, acts } of changes) {
            const { runId, number, pipelineName, projectId } = run.meta
            const itself = { kind: 'run', id: runId, name: `${pipelineName} #${number}` }
            for (const { act, after, resource = itself } of acts) {
              await writeAct(em, now, act, { resource, projectId, after })
            }
          }
        },
      },
    ],
    gives: createAudit({ db, clock }),
  }),
})
