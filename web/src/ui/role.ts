// Roles in words, and which of them a person may give.
import { Role } from '@ansflow/proto/access'

export { Role }

export const givenRoles = [Role.VIEWER, Role.DEVELOPER, Role.MAINTAINER, Role.OWNER] as const

/** The i18n key. */
export function roleName(role: Role): string {
  const names: Record<Role, string> = {
    [Role.UNSPECIFIED]: 'none',
    [Role.VIEWER]: 'viewer',
    [Role.DEVELOPER]: 'developer',
    [Role.MAINTAINER]: 'maintainer',
    [Role.OWNER]: 'owner',
  }
  return `ui.role.${names[role]}`
}

/** Nobody gives a role above their own. */
export function rolesUpTo(own: Role): Role[] {
  return givenRoles.filter((role) => role <= own)
}
