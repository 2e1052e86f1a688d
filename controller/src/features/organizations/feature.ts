// Organizations: the tenants.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature } from '../../feature.ts'
import { OrganizationEntity } from './organization.entity.ts'
import { organizationScope } from './organization-scope.ts'
import { organizationsApi } from './organizations.api.ts'

export const organizationsFeature = feature({
  name: 'organizations',
  entities: [OrganizationEntity],
  open: () => ({
    services: [organizationsApi()],
    scopes: { [Resource.ORGANIZATION]: organizationScope },
  }),
})
