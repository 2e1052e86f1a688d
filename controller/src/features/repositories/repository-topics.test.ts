import { Role } from '@ansflow/proto/access'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { expect, test } from 'vitest'
import { connectedRepository } from '../../../test/change-requests.ts'
import { LiveClient } from '../../../test/live-client.ts'
import { startController } from '../../../test/start-controller.ts'

test('who may read the repositories of a project is told when what is shown of them is another, and nobody else', async () => {
  await using controller = await startController()
  const projectId = await controller.addProject()
  const topic = `project/${projectId}/repositories`
  const viewer = await controller.addUser({ role: Role.VIEWER, projectId })
  const stranger = await controller.addUser({ role: Role.VIEWER, projectId: await controller.addProject() })
  const away = await LiveClient.open(controller.url, stranger.token)
  expect((await away.subscribe(topic)).kind.case).toBe('refused')
  const live = await LiveClient.open(controller.url, viewer.token)
  expect((await live.subscribe(topic)).kind.case).toBe('subscribed')
  const told = () => live.responses.filter(({ kind }) => kind.case === 'resync').length
  const { repositoryId } = await connectedRepository(controller, projectId)
  await live.until(() => told() > 0 || undefined)
  const before = told()
  await controller.as(controller.owner).client(RepositoryService).updateRepository({ repositoryId, tells: true })
  await live.until(() => told() > before || undefined)
  for (const each of [away, live]) each.socket.close()
})
