// A download that the controller's stop cuts off is seen to be cut: its connection breaks instead of ending in order.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { stops } from '@ansflow/proto/errors'
import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { memoryBus } from '../src/platform/bus.ts'
import { systemClock } from '../src/platform/clock.ts'
import { createLog } from '../src/platform/log.ts'
import { type Route, type RouteTools, registerRoutes } from '../src/transport/routes.ts'

test.each([{ size: 100 }, {}])('with %o', async ({ size }) => {
  const stopping = new AbortController()
  const route: Route = {
    path: '/download',
    access: 'public',
    handle: async ({ signal }) => ({
      contentType: 'text/plain',
      ...(size !== undefined && { size }),
      // As bodies are written: they end early when they are told.
      body: (async function* () {
        yield Buffer.from('part')
        if (!signal.aborted) await once(signal, 'abort')
      })(),
    }),
  }
  const log = createLog('silent')
  const access = { bus: memoryBus(log), clock: systemClock, log }
  const tools = { newEm: () => undefined, stopping: stopping.signal, ...access } as unknown as RouteTools
  const http = fastify()
  registerRoutes(http, [route], tools)
  await http.listen({ host: '127.0.0.1', port: 0 })
  try {
    const { port } = http.server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/download`)
    const body = response.body?.getReader()
    expect(Buffer.from((await body?.read())?.value ?? []).toString()).toBe('part')
    stopping.abort(stops())
    await expect(body?.read()).rejects.toThrow()
  } finally {
    await http.close()
  }
})
