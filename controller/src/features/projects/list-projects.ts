// The projects a caller may read, by name, page by page.
import type { ListProjectsRequest } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import type { EntityManager } from '../../platform/db.ts'
import { cutPage, pageSize, readCursor } from '../../platform/page.ts'
import type { Caller } from '../../transport/call.ts'
import { readableScopes } from '../access/index.ts'
import { type Project, ProjectEntity } from './project.entity.ts'

export async function listProjects(
  em: EntityManager,
  caller: Caller,
  request: ListProjectsRequest,
): Promise<{ page: Project[]; nextPageToken: string }> {
  const size = pageSize(request.pageSize, 100)
  const [name, id] = readCursor(request.pageToken, 2) ?? []
  const { organizationIds, projectIds } = readableScopes(caller, 'project.read')
  const rows = await em.find(
    ProjectEntity,
    {
      $and: [
        { $or: [{ organizationId: { $in: organizationIds } }, { id: { $in: projectIds } }] },
        request.organizationId === '' ? {} : { organizationId: request.organizationId },
        name === undefined || id === undefined ? {} : { $or: [{ name: { $gt: name } }, { name, id: { $gt: id } }] },
      ],
    },
    { orderBy: { name: 'asc', id: 'asc' }, limit: size + 1 },
  )
  return cutPage(rows, size, (project) => [project.name, project.id])
}
