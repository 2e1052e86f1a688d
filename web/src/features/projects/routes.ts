// Addresses of projects.
import type { RouteRecordRaw } from 'vue-router'

const inFrame = { frame: 'project', section: 'projects' } as const

export const routes: RouteRecordRaw[] = [
  { path: '/p', component: () => import('./ProjectsPage.vue'), meta: { title: 'projects.title', section: 'projects' } },
  {
    path: '/p/:project',
    component: () => import('./OverviewPage.vue'),
    meta: { ...inFrame, title: 'projects.tabs.overview' },
  },
  {
    path: '/p/:project/members',
    component: () => import('./MembersPage.vue'),
    meta: { ...inFrame, title: 'projects.tabs.members' },
  },
  {
    path: '/p/:project/settings',
    component: () => import('./SettingsPage.vue'),
    meta: { ...inFrame, title: 'projects.tabs.settings' },
  },
]
