import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { expect, test } from 'vitest'
import { startController } from './start-controller.ts'

test('a project is made and listed through both doors', async () => {
  await using c = await startController()
  const projects = c.as(c.owner).client(ProjectService)
  const { project } = await projects.createProject({ name: 'Über Project' })
  expect(project?.slug).toBe('uber-project')
  const grpc = c.grpcClient(ProjectService, c.owner.token)
  const list = await grpc.listProjects({})
  expect(list.projects.map((each) => each.id)).toEqual([project?.id])
  expect((await c.as(c.owner).client(AuthService).getMe({})).organizations.length).toBe(1)
})
