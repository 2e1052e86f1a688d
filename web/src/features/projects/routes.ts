// Addresses of projects.
import { Folder } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'

const inFrame = { frame: 'project', section: 'projects' } as const

export const routes: RouteRecordRaw[] = [
  {
    path: '/p',
    component: () => import('./ProjectsPage.vue'),
    meta: {
      title: 'projects.title',
      section: 'projects',
      menu: { in: 'rail', order: 20, label: 'shell.sections.projects', icon: Folder, key: 'p' },
    },
  },
  {
    path: '/p/:project',
    component: () => import('./OverviewPage.vue'),
    meta: { ...inFrame, title: 'projects.tabs.overview', menu: { in: 'project', order: 10 } },
  },
  {
    path: '/p/:project/members',
    component: () => import('./MembersPage.vue'),
    meta: { ...inFrame, title: 'projects.tabs.members', menu: { in: 'project', order: 50 } },
  },
  {
    path: '/p/:project/settings',
    component: () => import('./SettingsPage.vue'),
    meta: {
      ...inFrame,
      title: 'projects.tabs.settings',
      menu: { in: 'project', order: 60, permission: 'project.update' },
    },
  },
]
