// What other features may use of organizations.
export { organizationsFeature } from './feature.ts'
export {
  firstOrganization,
  lockOrganization,
  makeOrganization,
  oldestOrganization,
  organizationsById,
} from './make-organization.ts'
export { OrganizationEntity } from './organization.entity.ts'
