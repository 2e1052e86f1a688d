// Addresses of connections.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/connections',
    component: () => import('./ProjectConnectionsPage.vue'),
    meta: { frame: 'project', section: 'projects', tab: '/p/:project/settings', title: 'connections.title' },
  },
  {
    path: '/settings/connections',
    component: () => import('./OrganizationConnectionsPage.vue'),
    meta: {
      frame: 'settings',
      section: 'settings',
      title: 'connections.title',
      menu: { in: 'settings', order: 17, permission: 'repository.read' },
    },
  },
]
