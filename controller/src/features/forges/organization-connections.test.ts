import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController } from '../../../test/start-controller.ts'

/** Nothing answers there, and a git server is not asked before there is a repository. */
const git = { kind: ForgeKind.GIT, url: 'http://127.0.0.1:1' }

test('a connection of the organization is made and listed without a project, and says which projects use it', async () => {
  await using c = await startController()
  const { organizationId } = c.owner
  const owner = c.as(c.owner)
  const connections = owner.client(ConnectionService)
  const { connection } = await connections.createOrganizationConnection({ organizationId, name: 'ours', ...git })
  expect(connection).toMatchObject({ name: 'ours', projectId: '', repositoryCount: 0 })
  const again = connections.createOrganizationConnection({ organizationId, name: 'ours', ...git })
  await expect(again).rejects.toMatchObject({ code: Code.AlreadyExists })

  const shop = await c.addProject()
  const { project: attic } = await owner.client(ProjectService).createProject({ name: 'Attic' })
  await connections.createConnection({ projectId: shop, name: 'own', ...git })
  const connectionId = connection!.id
  for (const [projectId, fullName] of [
    [shop, 'a'],
    [shop, 'b'],
    [attic!.id, 'a'],
  ] as const) {
    await owner.client(RepositoryService).connectRepository({ projectId, connectionId, fullName: `${fullName}.git` })
  }

  const listed = await connections.listOrganizationConnections({ organizationId })
  expect(listed.connections.map(({ name, repositoryCount }) => [name, repositoryCount])).toEqual([['ours', 3]])
  expect(listed.projects).toHaveLength(2)
  expect(listed.projects[0]).toMatchObject({ connectionId, projectName: 'Attic', repositoryCount: 1 })
  expect(listed.projects[0]!.projectSlug).toBe(attic!.slug)
  expect(listed.projects[1]).toMatchObject({ connectionId, projectId: shop, repositoryCount: 2 })
  // A project's list has both.
  const ofShop = (await connections.listConnections({ projectId: shop })).connections
  expect(ofShop.map(({ name, projectId }) => [name, projectId])).toEqual([
    ['ours', ''],
    ['own', shop],
  ])
})
