// AuditService.
import { type AuditEvent, AuditEventSchema, AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { idsFrom } from '../../platform/ids.ts'
import { cutPage, pageSize, readCursor } from '../../platform/page.ts'
import { readTime } from '../../platform/request-time.ts'
import { organizationOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { AuditEventEntity, type AuditEventRow } from './audit-event.entity.ts'

export function auditApi(): ServiceTable {
  return serviceTable(AuditService, {
    async listAuditEvents(request, ctx) {
      const { projectId, actorId, action, resourceId, since, until } = request
      const size = pageSize(request.pageSize, 100)
      const [last] = readCursor(request.pageToken, 1) ?? []
      const rows = await ctx.em.find(
        AuditEventEntity,
        {
          organizationId: organizationOf(ctx),
          ...(projectId !== '' && { projectId }),
          ...(actorId !== '' && { actorId }),
          ...(action !== '' && { action }),
          ...(resourceId !== '' && { resourceId }),
          $and: [
            ...(last === undefined ? [] : [{ id: { $lt: last } }]),
            ...(since ? [{ id: { $gte: idsFrom(readTime('since', since).getTime()) } }] : []),
            ...(until ? [{ id: { $lt: idsFrom(readTime('until', until).getTime()) } }] : []),
          ],
        },
        { orderBy: { id: 'desc' }, limit: size + 1 },
      )
      const { page, nextPageToken } = cutPage(rows, size, (row) => [row.id])
      return { events: page.map(toEvent), nextPageToken }
    },
  })
}

function toEvent(row: AuditEventRow): AuditEvent {
  return create(AuditEventSchema, {
    id: row.id,
    at: timestampFromDate(row.at),
    organizationId: row.organizationId,
    projectId: row.projectId,
    actor: { kind: row.actorKind, id: row.actorId, name: row.actorName, tokenId: row.tokenId },
    action: row.action,
    resource: { kind: row.resourceKind, id: row.resourceId, name: row.resourceName },
    before: row.before,
    after: row.after,
    address: row.address,
    client: row.client,
    failure: row.failure,
    requestId: row.requestId,
  })
}
