// Addresses of connections.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/connections',
    component: () => import('./ConnectionsPage.vue'),
    meta: { frame: 'project', section: 'projects', title: 'connections.title' },
  },
]
