// Addresses of secrets.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/secrets',
    component: () => import('./SecretsPage.vue'),
    meta: {
      frame: 'project',
      section: 'projects',
      title: 'secrets.title',
      menu: { in: 'project', order: 40, label: 'projects.tabs.secrets' },
    },
  },
]
