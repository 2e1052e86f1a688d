// Addresses of repositories.
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/p/:project/repositories',
    component: () => import('./RepositoriesPage.vue'),
    meta: {
      frame: 'project',
      section: 'projects',
      title: 'repositories.title',
      menu: { in: 'project', order: 25, permission: 'repository.read' },
    },
  },
  {
    path: '/p/:project/repositories/connect',
    component: () => import('./connect/ConnectPage.vue'),
    meta: {
      frame: 'project',
      section: 'projects',
      tab: '/p/:project/repositories',
      title: 'repositories.connect.title',
    },
  },
  {
    path: '/p/:project/repositories/:repository',
    component: () => import('./repository/RepositoryPage.vue'),
    meta: { chrome: 'narrow', section: 'projects', title: 'repositories.pageTitle' },
  },
  {
    path: '/p/:project/repositories/:repository/explain',
    component: () => import('./explain/ExplainEventPage.vue'),
    meta: { section: 'projects', title: 'repositories.explain.title' },
  },
  {
    path: '/p/:project/repositories/:repository/commits/:commit',
    component: () => import('./CommitPage.vue'),
    meta: { section: 'projects', title: 'repositories.commit.title' },
  },
]
