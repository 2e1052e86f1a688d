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
  scopeKindOf,
} from '@ansflow/proto/access'
import {
  type GetMeResponse,
  GetMeResponseSchema,
  type Grant as GrantMessage,
  type User,
} from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { equals } from '@bufbuild/protobuf'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { ApiError, api } from './api.ts'
import { currentLanguage, type Language, parseLanguage, setLanguage } from './i18n.ts'
import { disconnect, subscribe } from './live.ts'
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
      hear(await api.auth.getMe({}))
    } catch (error) {
      if (error instanceof ApiError && error.code === 'unauthenticated') {
        forget()
        return false
      }
      throw error
    }
    follow()
    await adopt()
    return true
  }

  let unfollow: (() => void) | undefined

  /** Whoever gets another role has it on all open pages at once. */
  function follow(): void {
    unfollow ??= subscribe('me', {
      onMessage: ({ kind }) => {
        if (kind.case === 'me') hear(kind.value)
      },
      onResync: () => void load(),
    })
  }

  /** Pages look again only where something is another. */
  function hear(next: GetMeResponse): void {
    if (!me.value || !equals(GetMeResponseSchema, me.value, next)) me.value = next
  }

  /** The profile's language and theme win over what this browser had. */
  async function adopt(): Promise<void> {
    const language = parseLanguage(user.value?.language)
    if (language && language !== currentLanguage()) await setLanguage(language)
    if (user.value?.theme) setTheme(parseTheme(user.value.theme))
  }

  /** Others whenever the person's rights are. */
  const grants = computed(() => (me.value?.grants ?? []).flatMap(readGrant))
  const holder = computed<Holder>(() => ({ grants: grants.value, scopes: ['*'] }))
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
    return mayGive(holder.value, roleId, scope(projectId), null)
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
    // The end of the session is told on the live connection too, where it would look like somebody else's doing.
    disconnect()
    unfollow = undefined
    try {
      await api.auth.logout({})
    } catch (error) {
      follow()
      throw error
    }
    me.value = undefined
  }

  function forget(): void {
    unfollow?.()
    unfollow = undefined
    me.value = undefined
  }

  return {
    me,
    user,
    organization,
    organizationId,
    load,
    grants,
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
  const kind = scopeKindOf(scope)
  return kind ? [{ organizationId, on: { kind, id: scopeId }, roleId, permissions: new Set(permissions) }] : []
}
