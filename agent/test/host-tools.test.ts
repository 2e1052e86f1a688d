// What an agent says its host has: asked of the programs on the PATH, once, and not again at each start.
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toolsOfHost } from '../src/host.ts'
import { temporaryFolder } from './agent-process.ts'

function hostWith(programs: Record<string, string>) {
  const folder = temporaryFolder()
  const add = (more: Record<string, string>) => {
    for (const [name, script] of Object.entries(more))
      writeFileSync(join(folder.path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  add(programs)
  const cacheFile = join(folder.path, 'tools.json')
  return {
    add,
    cacheFile,
    /** `agoMs`: since what is known was found. */
    tools(agoMs?: number) {
      const at = (Date.now() - (agoMs ?? 0)) / 1000
      if (agoMs !== undefined) utimesSync(cacheFile, at, at)
      return toolsOfHost(folder.path, cacheFile, 20_000)
    },
    known: () => JSON.parse(readFileSync(cacheFile, 'utf8')) as unknown,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

test('a host has the tools on its PATH that say a version, wherever they say it', async () => {
  using host = hostWith({
    git: 'echo "git version 2.47.3"',
    java: 'echo \'openjdk version "21.0.5" 2024-10-15\' >&2',
    mvn: 'echo "Apache Maven 3.9.9 ($1)"',
    docker: 'echo "it is not running"; exit 1',
    unheard: 'echo 1.2.3',
  })
  writeFileSync(join(host.cacheFile, '..', 'make'), 'no program', { mode: 0o644 })
  const found = { git: '2.47.3', java: '21.0.5', mvn: '3.9.9' }
  expect(await host.tools()).toEqual(found)
  expect(host.known()).toEqual(found)
})

test('what was found is told at once; only after a while it is looked up again, for the next start', async () => {
  using host = hostWith({ git: 'echo "git version 2.47.3"' })
  await host.tools()
  host.add({ npm: 'echo 11.6.2' })
  expect(await host.tools()).toEqual({ git: '2.47.3' })
  expect(await host.tools(61_000)).toEqual({ git: '2.47.3' })
  await expect.poll(host.known, { timeout: 20_000 }).toEqual({ git: '2.47.3', npm: '11.6.2' })
  expect(await host.tools()).toEqual({ git: '2.47.3', npm: '11.6.2' })
})

test('the first start does not wait long for a tool that does not answer', async () => {
  using host = hostWith({ git: 'exec /bin/sleep 3' })
  expect(await toolsOfHost(join(host.cacheFile, '..'), host.cacheFile, 20)).toEqual({})
})
