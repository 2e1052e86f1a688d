// What other features may use of access.
export { authorize, isAllowed, readableScopes } from './authorize.ts'
export { accessFeature } from './feature.ts'
export { GrantEntity, type GrantRow } from './grant.entity.ts'
export { counting, forgetProject, grantsOf, grantsWithin, removeGrants, setGrant } from './grants.ts'
export { InvitationEntity, type InvitationRow } from './invitation.entity.ts'
export { invitedAs, makeInvitation, openInvitation, takeInvitation } from './invitations.ts'
export { countByToken, invitationsMadeByTokens, type MadeByTokens } from './made-by-tokens.ts'
export {
  countForGood,
  forgetInvitationsOf,
  grantOn,
  grantsAt,
  grantsOfMember,
  isMember,
  maySeeMember,
  openInvitations,
  removeInvitation,
} from './member-grants.ts'
export { memberVersions } from './member-versions.ts'
