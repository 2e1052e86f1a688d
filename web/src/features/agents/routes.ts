// Addresses of agents.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: '/agents', component: () => import('./AgentsPage.vue'), meta: { title: 'agents.title', section: 'agents' } },
]
