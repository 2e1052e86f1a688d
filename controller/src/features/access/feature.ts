// Grants and invitations; who may do what is asked of `authorize` alone.
import { feature } from '../../feature.ts'
import { GrantEntity } from './grant.entity.ts'
import { InvitationEntity } from './invitation.entity.ts'

export const accessFeature = feature({
  name: 'access',
  entities: [GrantEntity, InvitationEntity],
  open: () => ({}),
})
