// Settings of the organization.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/settings/organization',
    component: () => import('./OrganizationPage.vue'),
    meta: { frame: 'settings', section: 'settings', title: 'organizations.settings.title' },
  },
  {
    path: '/settings/members',
    component: () => import('./MembersPage.vue'),
    meta: { frame: 'settings', section: 'settings', title: 'organizations.members.title' },
  },
]
