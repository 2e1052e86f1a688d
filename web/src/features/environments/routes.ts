// Addresses of environments.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/environments',
    component: () => import('./EnvironmentsPage.vue'),
    meta: {
      frame: 'project',
      section: 'projects',
      title: 'environments.title',
      menu: { in: 'project', order: 35, permission: 'environment.read' },
    },
  },
]
