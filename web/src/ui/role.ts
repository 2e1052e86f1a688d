// Roles in words.
import { findRole } from '@ansflow/proto/access'
import { useI18n } from 'vue-i18n'

/** Empty: no role here. A role without texts of its own says its name. */
export function useRoleName(): (roleId: string) => string {
  const { t, te } = useI18n()
  return (roleId) => {
    const key = `ui.role.${roleId || 'none'}`
    return te(key) ? t(key) : (findRole(roleId)?.name ?? roleId)
  }
}
