import { readFile } from 'node:fs/promises'
import { RunStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { statusOf } from './badge-words.ts'

test.each(['en', 'zh-CN'] as const)('a badge says of a run what the console says (%s)', async (language) => {
  const texts = new URL(`../../../../web/src/ui/locales/${language}.json`, import.meta.url)
  const { status: words } = JSON.parse(await readFile(texts, 'utf8')) as { status: Record<string, string> }
  const statuses = Object.entries(RunStatus).filter(
    ([name, status]) => typeof status === 'number' && name !== 'UNSPECIFIED',
  ) as [string, RunStatus][]
  const said = statuses.map(([name, status]) => [name, statusOf(status, language).message])
  expect(said).toEqual(statuses.map(([name]) => [name, words[name.toLowerCase()]?.toLowerCase()]))
})
