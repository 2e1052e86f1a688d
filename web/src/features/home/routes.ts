// The first page.
import { House } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/',
    component: () => import('./HomePage.vue'),
    meta: {
      title: 'home.title',
      section: 'home',
      menu: { in: 'rail', order: 10, label: 'shell.sections.home', icon: House, key: 'h' },
    },
  },
]
