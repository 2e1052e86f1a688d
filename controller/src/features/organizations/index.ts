// What other features may use of organizations.
export { firstOrganization, makeOrganization, oldestOrganization, organizationsById } from './make-organization.ts'
export { OrganizationEntity } from './organization.entity.ts'
export { organizationScope } from './organization-scope.ts'
export { organizationsApi } from './organizations.api.ts'
