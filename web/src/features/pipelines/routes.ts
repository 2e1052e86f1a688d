// Addresses of pipelines.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/pipelines',
    component: () => import('./PipelinesPage.vue'),
    meta: {
      frame: 'project',
      section: 'projects',
      title: 'pipelines.title',
      menu: { in: 'project', order: 20, label: 'projects.tabs.pipelines' },
    },
  },
  {
    path: '/p/:project/pipelines/:pipeline/edit',
    component: () => import('./EditorPage.vue'),
    meta: { chrome: 'rail', section: 'projects', title: 'pipelines.editor.title' },
  },
  {
    path: '/p/:project/pipelines/:pipeline/versions',
    component: () => import('./VersionsPage.vue'),
    meta: { section: 'projects', title: 'pipelines.versions.title' },
  },
  {
    path: '/p/:project/pipelines/:pipeline/schedules',
    component: () => import('./SchedulesPage.vue'),
    meta: { section: 'projects', title: 'pipelines.schedules.title' },
  },
  {
    path: '/p/:project/pipelines/:pipeline/triggers',
    component: () => import('./TriggersPage.vue'),
    meta: { section: 'projects', title: 'pipelines.triggersPage.title' },
  },
  { path: '/p/:project/pipelines/:pipeline', redirect: (to) => `${to.path}/edit` },
]
