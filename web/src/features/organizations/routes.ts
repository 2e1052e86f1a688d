// Settings of the organization.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/settings/organization',
    component: () => import('./OrganizationPage.vue'),
    meta: {
      frame: 'settings',
      section: 'settings',
      title: 'organizations.settings.title',
      menu: { in: 'settings', order: 5, label: 'shell.settings.organization', permission: 'organization.update' },
    },
  },
  {
    path: '/settings/members',
    component: () => import('./MembersPage.vue'),
    meta: {
      frame: 'settings',
      section: 'settings',
      title: 'organizations.members.title',
      menu: { in: 'settings', order: 10, label: 'shell.settings.members', permission: 'member.read' },
    },
  },
]
