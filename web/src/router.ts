// The pages' addresses, joined from every feature's routes.ts, and the rule that pages need a session.
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { onSignedOut } from './api.ts'
import { useSession } from './session.ts'
import { question } from './ui/confirm.ts'

const features = import.meta.glob<RouteRecordRaw[]>('./features/*/routes.ts', { eager: true, import: 'routes' })

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    ...Object.values(features).flat(),
    {
      path: '/:rest(.*)*',
      component: () => import('./shell/NotFoundPage.vue'),
      meta: { title: 'shell.notFound.title' },
    },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

router.beforeEach(async (to) => {
  if (to.meta.public) return true
  const session = useSession()
  if (session.user) return true
  try {
    if (await session.load()) return true
  } catch {
    // The controller does not answer: the page's frame opens and says so with a way to try again.
    return { path: '/login', query: { next: to.fullPath } }
  }
  return { path: '/login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
})

// A question is about the page on which it was asked.
router.afterEach((to, from, failure) => {
  if (!failure && to.path !== from.path) question.value = undefined
})

onSignedOut(() => {
  const { fullPath, meta } = router.currentRoute.value
  if (meta.public) return
  useSession().forget()
  void router.replace({ path: '/login', query: { next: fullPath, ended: '1' } })
})

/** Only addresses of this console: never sends a person who signs in to another site. */
export function safeNext(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
