// Addresses of runs.
import { CirclePlay } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/runs',
    component: () => import('./RunsPage.vue'),
    meta: {
      title: 'runs.title',
      section: 'runs',
      menu: { in: 'rail', order: 30, label: 'shell.sections.runs', icon: CirclePlay, key: 'r' },
    },
  },
  {
    path: '/runs/:run',
    component: () => import('./RunPage.vue'),
    meta: { title: 'runs.pageTitle', section: 'runs', chrome: 'narrow' },
  },
  // The original's documented address keeps working.
  { path: '/executions/:run', redirect: (to) => `/runs/${String(to.params.run)}` },
  {
    path: '/p/:project/runs',
    component: () => import('./RunsPage.vue'),
    meta: {
      title: 'runs.title',
      section: 'projects',
      frame: 'project',
      menu: { in: 'project', order: 30, label: 'projects.tabs.runs' },
    },
  },
]
