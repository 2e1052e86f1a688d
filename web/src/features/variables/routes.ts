// Addresses of variables.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/variables',
    component: () => import('./ProjectVariablesPage.vue'),
    meta: {
      frame: 'project',
      section: 'projects',
      title: 'variables.title',
      menu: { in: 'project', order: 45 },
    },
  },
  {
    path: '/settings/variables',
    component: () => import('./OrganizationVariablesPage.vue'),
    meta: {
      frame: 'settings',
      section: 'settings',
      title: 'variables.title',
      menu: { in: 'settings', order: 15, permission: 'variable.read' },
    },
  },
]
