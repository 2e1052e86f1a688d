import { expect, test } from 'vitest'
import { consolePaths } from '../console-routes.ts'
import { router } from './router.ts'

test('the build writes down every page that the router has, for the controller', async () => {
  const pages = router.getRoutes().map(({ path }) => path)
  expect(await consolePaths()).toEqual(pages.filter((path) => path !== '/:rest(.*)*').sort())
})
