// Two people in one pipeline on two controllers: each sees the other as if there were one, and a killed controller's person
// goes from the other's screen and comes back through the controller that is left.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { type Cluster, startCluster } from '../setup/cluster.ts'
import { admin } from '../setup/system.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'
import { grace, join } from './people.ts'

let cluster: Cluster
let browser: Browser
let balancer: TcpProxy
beforeAll(async () => {
  cluster = await startCluster()
  balancer = await new TcpProxy(cluster.first.httpPort).listen()
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await balancer?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

test('two people on two controllers see each other, one controller is killed, and its person comes back', async () => {
  const { first, second } = cluster
  await join(first, grace)
  const { pipelineId, projectId } = await first.pipeline('name: apart\nsteps:\n  build: { run: echo build }\n')
  const slug = (await first.api.projects.getProject({ projectId })).project?.slug ?? ''
  const ada = await newPerson(browser, `http://127.0.0.1:${balancer.port}`)
  const her = await newPerson(browser, second.url)
  const a = new Editor(ada.page)
  const g = new Editor(her.page)
  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  await a.open(slug, pipelineId)
  await g.open(slug, pipelineId)

  // Name, cursor, selection and field, each way.
  await a.page.getByTestId(`person-${grace.name}`).waitFor()
  const people = g.page.getByTestId('people').locator('button')
  await people.first().waitFor()
  const place = await g.onCanvas({ x: 300, y: 400 })
  await g.page.mouse.move(place.x, place.y, { steps: 5 })
  await a.page.locator('.cursor').getByText(grace.name).waitFor()
  await g.select('build')
  await a.node('build').first().waitFor()
  await a.page.locator('[data-testid="node-build"] [data-who], [data-testid="node-build"][data-who]').first().waitFor()

  // Edits and notices.
  await a.drop('custom', { x: 600, y: 300 })
  await g.node('script').waitFor()
  await g.publish('From the second')
  await a.page.getByText('Grace Hopper published v2').waitFor()

  // The last thing before the end: cut off with the controller, kept in the browser, merged through the other.
  await first.killController()
  await a.label('offline')
  await a.select('build')
  await a.script('end')
  await a.page.keyboard.type(' alone')
  await g.page.getByTestId('people').waitFor({ state: 'detached', timeout: 40_000 })
  balancer.redirect(second.httpPort)
  await a.label('saved')
  await people.first().waitFor()
  await a.page.getByTestId(`person-${grace.name}`).waitFor()
  await waitFor(
    async () => (await second.api.pipelines.getPipeline({ pipelineId })).yaml.includes('echo build alone'),
    {
      what: 'what was written without a controller is in the file',
    },
  )
  expect(her.errors).toEqual([])
})
