// A table's statements stand in the feature that owns it: everybody else calls that feature, or is its participant.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { features } from '../src/app.ts'

const folder = join(import.meta.dirname, '../src/features')

interface Source {
  feature: string
  file: string
  text: string
}

const sources: Source[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|(^|\/)test(-client\.ts$|\/)/.test(file))
  .map((file) => ({ feature: file.split('/')[0] ?? '', file, text: readFileSync(join(folder, file), 'utf8') }))

/** By table, the feature whose folder has it. */
const owners = new Map(
  features.flatMap(({ name, entities }) =>
    entities.map((entity) => [(entity as { meta: { tableName: string } }).meta.tableName, name] as const),
  ),
)

/** Where a builder's call or SQL names a table: selectFrom('job'), innerJoin('run as r', …), "delete from job". */
const builders =
  /\b(?:selectFrom|insertInto|updateTable|deleteFrom|replaceInto|mergeInto|using|(?:inner|left|right|full|cross)Join|deleteRows\([^,()]+,|insertion(?:<[^>]*>)?)\s*\(?\s*\[?['"`](\w+)/g
const sql = /\b(?:from|join|into|update)\s+["`]?([a-z_]+)["`]?/g

const entityImport = /import (?:type )?\{([^}]*)\} from '(?:\.\.\/)+(\w+)\/index\.ts'/g

function named(text: string): string[] {
  const tables = [...text.matchAll(builders)].map(([, table = '']) => table)
  const templates = [...text.matchAll(/\bsql(?:<[^>]*>)?`([^`]*)`/g)].map(([, words = '']) => words)
  return [...tables, ...templates.flatMap((words) => [...words.matchAll(sql)].map(([, table = '']) => table))]
}

test('the check sees statements, and every feature is in the list', () => {
  const seen = new Set(sources.flatMap(({ text }) => named(text)))
  for (const table of ['job', 'run', 'run_step', 'agent', 'log_chunk', 'collab_update']) expect(seen).toContain(table)
  expect(named("db.innerJoin('project as p', 'p.id', 'x') sql`delete from run where true`")).toEqual(['project', 'run'])
  const folders = [...new Set(sources.map(({ feature }) => feature))].sort()
  expect(features.map(({ name }) => name).sort()).toEqual(folders)
})

test('no statement is on a table of another feature', () => {
  const elsewhere = sources.flatMap(({ feature, file, text }) =>
    named(text)
      .filter((table) => owners.has(table) && owners.get(table) !== feature)
      .map((table) => `${relative(folder, join(folder, file))}: ${table} is of ${owners.get(table)}`),
  )
  expect(elsewhere).toEqual([])
})

test('no entity of another feature is used but for a foreign key', () => {
  const elsewhere = sources
    .filter(({ file }) => !file.endsWith('.entity.ts'))
    .flatMap(({ feature, file, text }) =>
      [...text.matchAll(entityImport)].flatMap(([, names = '', from = '']) =>
        names
          .split(',')
          .map((name) => name.trim())
          .filter((name) => /Entity$/.test(name) && from !== feature)
          .map((name) => `${file}: ${name}`),
      ),
    )
  expect(elsewhere).toEqual([])
})
