// Who is signed in and what they may do.
import {
  can,
  type Grant,
  grantsOn,
  type Holder,
  isPermission,
  mayGive,
  mostOf,
  type Permission,
} from '@ansflow/proto/access'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { GetMeResponse, Grant as GrantMessage, User } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { ApiError, api } from './api.ts'
import { currentLanguage, type Language, parseLanguage, setLanguage } from './i18n.ts'
import { parseTheme, setTheme, type ThemeChoice } from './theme/use-theme.ts'

export type { Permission }
export { isPermission }

export const useSession = defineStore('session', () => {
  const me = shallowRef<GetMeResponse>()
  const user = computed<User | undefined>(() => me.value?.user)
  /** The organization whose things are shown; a person with several sees the first. */
  const organization = computed(() => me.value?.organizations[0])
  const organizationId = computed(() => organization.value?.organizationId ?? '')

  /** Asks who is signed in; false when nobody is. */
  async function load(): Promise<boolean> {
    try {
      me.value = await api.auth.getMe({})
    } catch (error) {
      if (error instanceof ApiError && error.code === 'unauthenticated') {
        me.value = undefined
        return false
      }
      throw error
    }
    await adopt()
    return true
  }

  /** The profile's language and theme win over what this browser had. */
  async function adopt(): Promise<void> {
    const language = parseLanguage(user.value?.language)
    if (language && language !== currentLanguage()) await setLanguage(language)
    if (user.value?.theme) setTheme(parseTheme(user.value.theme))
  }

  const holder = computed<Holder>(() => ({ grants: (me.value?.grants ?? []).flatMap(readGrant), scopes: ['*'] }))
  const scope = (projectId: string) => ({
    organizationId: organizationId.value,
    ...(projectId !== '' && { projectId }),
  })

  /** Whether the person may do it in the organization or, with a project, there. */
  function may(permission: Permission, projectId = ''): boolean {
    return can(holder.value, permission, scope(projectId))
  }

  /** The role to show, of several the one that allows most; empty: none. */
  function roleIn(projectId: string): string {
    return mostOf(grantsOn(holder.value.grants, scope(projectId)))?.roleId ?? ''
  }

  /** Whether they may give, change or take the role there. */
  function gives(roleId: string, projectId = ''): boolean {
    return mayGive(holder.value, roleId, scope(projectId))
  }

  async function chooseLanguage(language: Language): Promise<void> {
    await setLanguage(language)
    if (user.value) replaceUser((await api.auth.updateMe({ language })).user)
  }

  async function chooseTheme(theme: ThemeChoice): Promise<void> {
    setTheme(theme)
    if (user.value) replaceUser((await api.auth.updateMe({ theme: theme === 'system' ? '' : theme })).user)
  }

  async function rename(name: string): Promise<void> {
    replaceUser((await api.auth.updateMe({ name })).user)
  }

  function replaceUser(next: User | undefined): void {
    if (me.value && next) me.value = { ...me.value, user: next }
  }

  async function signOut(): Promise<void> {
    await api.auth.logout({})
    me.value = undefined
  }

  function forget(): void {
    me.value = undefined
  }

  return {
    me,
    user,
    organization,
    organizationId,
    load,
    can: may,
    roleIn,
    gives,
    chooseLanguage,
    chooseTheme,
    rename,
    signOut,
    forget,
  }
})

/** None for a grant on something this console does not know. */
function readGrant({ organizationId, scope, scopeId, roleId, permissions }: GrantMessage): Grant[] {
  const kind = { [Resource.ORGANIZATION]: 'organization' as const, [Resource.PROJECT]: 'project' as const }[
    scope as number
  ]
  return kind ? [{ organizationId, on: { kind, id: scopeId }, roleId, permissions: new Set(permissions) }] : []
}
