// Addresses of agents.
import { Server } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/agents',
    component: () => import('./AgentsPage.vue'),
    meta: {
      title: 'agents.title',
      section: 'agents',
      menu: { in: 'rail', order: 40, label: 'shell.sections.agents', icon: Server, key: 'a' },
    },
  },
]
