import { Role } from '@ansflow/proto/access'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

const rename = (token: string, name: string) =>
  c.as(token).client(OrganizationService).updateOrganization({ organizationId: c.owner.organizationId, name })
const names = async (token: string) => {
  const { organizations } = await c.as(token).client(OrganizationService).listOrganizations({})
  const { organizations: mine } = await c.as(token).client(AuthService).getMe({})
  return [...organizations, ...mine].map(({ name }) => name)
}

test('an organization gets another name, for everyone in it', async () => {
  const viewer = await c.addUser({ role: Role.VIEWER })
  const { organization } = await rename(c.owner.token, '  Corner Works ')
  expect(organization).toMatchObject({ id: c.owner.organizationId, name: 'Corner Works' })
  expect(await names(viewer.token)).toEqual(['Corner Works', 'Corner Works'])
})

test.each(['', '   ', 'x'.repeat(1000), 'a\0b'])(
  'a name that is none is refused by its field and changes nothing: %j',
  async (name) => {
    const before = await names(c.owner.token)
    await expect(rename(c.owner.token, name)).rejects.toMatchObject({ code: 3 })
    expect(await names(c.owner.token)).toEqual(before)
  },
)

test.each([Role.VIEWER, Role.DEVELOPER, Role.MAINTAINER])('only who owns it may: %s may not', async (role) => {
  const user = await c.addUser({ role })
  const before = await names(c.owner.token)
  await expect(rename(user.token, 'Mine')).rejects.toMatchObject({ code: 7 })
  expect(await names(c.owner.token)).toEqual(before)
})
