// Signing in, the first set-up, invitations, and a person's own settings.
import type { RouteRecordRaw } from 'vue-router'

const entrance = { public: true, chrome: 'bare' } as const
const own = { frame: 'settings', section: 'settings' } as const

export const routes: RouteRecordRaw[] = [
  { path: '/login', component: () => import('./LoginPage.vue'), meta: { ...entrance, title: 'auth.login.short' } },
  { path: '/setup', component: () => import('./SetupPage.vue'), meta: { ...entrance, title: 'auth.setup.short' } },
  { path: '/invite', component: () => import('./InvitePage.vue'), meta: { ...entrance, title: 'auth.invite.short' } },
  { path: '/settings', redirect: '/settings/profile' },
  {
    path: '/settings/profile',
    component: () => import('./ProfilePage.vue'),
    meta: { ...own, title: 'auth.profile.title' },
  },
  {
    path: '/settings/sessions',
    component: () => import('./SessionsPage.vue'),
    meta: { ...own, title: 'auth.sessions.title' },
  },
  {
    path: '/settings/tokens',
    component: () => import('./TokensPage.vue'),
    meta: { ...own, title: 'auth.tokens.title' },
  },
]
