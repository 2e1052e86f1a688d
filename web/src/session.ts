// Who is signed in and what they may do.
import { isPermission, type Permission, Role, roleHas } from '@ansflow/proto/access'
import type { GetMeResponse, User } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
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

  /** Whether the person may do it in the organization or, with a project, there. */
  function can(permission: Permission, projectId = ''): boolean {
    return roleHas(roleIn(projectId), permission)
  }

  function roleIn(projectId: string): Role {
    const grants = me.value?.grants ?? []
    const matching = grants.filter(
      (grant) =>
        grant.organizationId === organizationId.value && (grant.projectId === '' || grant.projectId === projectId),
    )
    return Math.max(Role.UNSPECIFIED, ...matching.map((grant) => grant.role)) as Role
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
    can,
    roleIn,
    chooseLanguage,
    chooseTheme,
    rename,
    signOut,
    forget,
  }
})
