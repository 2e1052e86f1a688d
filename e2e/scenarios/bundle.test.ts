// The controller as it is shipped: a bundle, whose threads and migrations are files and lists of its own.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RunStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { entitiesOf, features } from '../../controller/src/app.ts'
import { isSaved, openEditor } from '../../controller/src/features/collab/test-client.ts'
import { openDb } from '../../controller/src/platform/db.ts'
import { controllerProgram } from '../../deploy/dev/controller-node.ts'
import { root } from '../../deploy/dev/run-command.ts'
import { freePort } from '../../deploy/dev/test-servers.ts'
import { admin, System } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const folder = dirname(join(root, controllerProgram))

/** The tables of the first release. */
async function makeOldData(data: string): Promise<string[]> {
  mkdirSync(data, { recursive: true })
  const db = await openDb({ kind: 'sqlite', file: join(data, 'ansflow.db') }, entitiesOf(features))
  const [first] = await db.orm.migrator.getPending()
  await db.orm.migrator.up({ to: first!.name })
  await db.close()
  return Object.keys(db.migrations)
}

test('brings an old data folder up to date, and files, drafts and logs are worked on by its threads', async () => {
  const system = new System(mkdtempSync(join(tmpdir(), 'ansflow-e2e-')), await freePort(), await freePort(), {})
  await using _ = system
  const data = join(system.folder, 'data')
  const migrations = await makeOldData(data)
  await system.startController()
  expect(system.controller?.spawnargs.join(' ')).toContain(controllerProgram)
  const db = new DatabaseSync(join(data, 'ansflow.db'), { readOnly: true })
  expect(db.prepare('select name from migration order by id').all()).toEqual(migrations.map((name) => ({ name })))
  db.close()

  await system.addAgent()
  const { pipelineId } = await system.pipeline('name: a\nsteps: { s: { run: "echo one; echo two" } }\n')
  const runId = await system.start(pipelineId)
  expect(await system.ended(runId)).toMatchObject({ status: RunStatus.SUCCEEDED })
  expect(await system.wholeLog(runId, 's')).toBe('one\ntwo\n')

  const found = []
  for await (const { hits } of system.api.logs.searchLog({ runId, stepId: 's', query: 't.o', regex: true }))
    found.push(...hits)
  expect(found).toMatchObject([{ line: 2, text: 'two' }])

  using editor = openEditor(system.url, pipelineId, admin.token)
  await waitFor(() => editor.keys().length > 0, { what: 'the draft has come' })
  editor.addStep('more')
  await waitFor(() => isSaved(editor), { what: 'the change is stored' })
  await waitFor(
    async () => Object.keys((await system.api.pipelines.getPipeline({ pipelineId })).graph?.steps ?? {}).length === 2,
    { what: 'the draft has two steps' },
  )
  expect(system.output).not.toMatch(/"level":[45]0/)
})

test('every thread and helper that it begins is a file beside it', () => {
  const begun = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .flatMap((code) => [...code.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map(([, name]) => name!))
    .filter((name) => name !== '../../')
  expect(begun.map((name) => basename(name, '.mjs')).sort()).toEqual([
    'decode-worker',
    'delivery-tasks',
    'draft-tasks',
    'explain-tasks',
    'follow-tasks',
    'forge-tasks',
    'git-helper',
    'hash-tasks',
    'include-tasks',
    'proposal-tasks',
    'search-tasks',
    'wal-checkpoint-thread',
    'worker-main',
  ])
  for (const name of begun) expect(existsSync(join(folder, name)), name).toBe(true)
})
