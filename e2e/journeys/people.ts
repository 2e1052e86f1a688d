// The second person of journeys that need two, and how they get in.

import { Role } from '@ansflow/proto/access'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import type { System } from '../setup/system.ts'

export const grace = { name: 'Grace Hopper', email: 'grace@example.test', password: 'a ship in port is safe' }

/** By an invitation, as people get it. */
export async function join(system: System, person: typeof grace, role = Role.MAINTAINER): Promise<void> {
  const organizations = system.client(OrganizationService)
  const organizationId = (await organizations.listOrganizations({})).organizations[0]?.id ?? ''
  const { link } = await system.client(MemberService).inviteMember({ organizationId, email: person.email, role })
  const token = link.split('#')[1] ?? ''
  await system.api.auth.acceptInvitation({ token, name: person.name, password: person.password })
}
