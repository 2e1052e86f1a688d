// Addresses of approvals.
import { Inbox } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: '/approvals',
    component: () => import('./ApprovalsPage.vue'),
    meta: {
      title: 'approvals.title',
      section: 'approvals',
      menu: { in: 'rail', order: 35, label: 'shell.sections.approvals', icon: Inbox, key: 'v' },
    },
  },
  {
    path: '/approvals/:approval',
    component: () => import('./ApprovalPage.vue'),
    meta: { title: 'approvals.pageTitle', section: 'approvals' },
  },
]
