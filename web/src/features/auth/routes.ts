// Signing in, the first set-up, invitations, and a person's own settings.
import { Settings } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'

const entrance = { public: true, chrome: 'bare' } as const
const own = { frame: 'settings', section: 'settings' } as const

export const routes: RouteRecordRaw[] = [
  { path: '/login', component: () => import('./LoginPage.vue'), meta: { ...entrance, title: 'auth.login.short' } },
  { path: '/setup', component: () => import('./SetupPage.vue'), meta: { ...entrance, title: 'auth.setup.short' } },
  { path: '/invite', component: () => import('./InvitePage.vue'), meta: { ...entrance, title: 'auth.invite.short' } },
  {
    path: '/settings',
    redirect: '/settings/profile',
    meta: {
      section: 'settings',
      menu: { in: 'rail', order: 100, label: 'shell.sections.settings', icon: Settings, key: 's' },
    },
  },
  {
    path: '/settings/profile',
    component: () => import('./ProfilePage.vue'),
    meta: { ...own, title: 'auth.profile.title', menu: { in: 'settings', order: 20, label: 'shell.account.profile' } },
  },
  {
    path: '/settings/sessions',
    component: () => import('./SessionsPage.vue'),
    meta: {
      ...own,
      title: 'auth.sessions.title',
      menu: { in: 'settings', order: 30, label: 'shell.account.sessions' },
    },
  },
  {
    path: '/settings/tokens',
    component: () => import('./TokensPage.vue'),
    meta: { ...own, title: 'auth.tokens.title', menu: { in: 'settings', order: 40, label: 'shell.account.tokens' } },
  },
]
