// Writes a migration on both dialects from what the entities have and the migrations so far do not:
// "pnpm --dir controller migrations:new <what> mysql://…" (any server). A file that has landed is never changed.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entitiesOf, features } from '../app.ts'
import { type DatabaseConfig, memoryFile, openDb } from '../platform/db.ts'
import { migrate } from '../platform/migrate.ts'

const [what = '', server = ''] = process.argv.slice(2)
if (!/^[a-z][a-z0-9-]+$/.test(what) || server === '') {
  throw new Error(
    'Name what changes in small letters and dashes (token-parents), and a MariaDB or MySQL server: mysql://….',
  )
}

const scratch = new URL(server)
scratch.pathname = `/ansflow_migration_${randomBytes(4).toString('hex')}`
const databases: Record<string, DatabaseConfig> = {
  sqlite: { kind: 'sqlite', file: memoryFile },
  mysql: { kind: 'mysql', url: scratch.href },
}
const numbers = filesOf('sqlite').map((file) => Number(/\d+/.exec(file)?.[0]))
const number = String(Math.max(...numbers) + 1).padStart(4, '0')

for (const [dialect, config] of Object.entries(databases)) {
  const db = await openDb(config, entitiesOf(features))
  try {
    await migrate(db)
    const schema = (await db.orm.schema.getUpdateSchemaSQL({ wrap: false })) as string
    const statements = schema
      .split(/;\n+/)
      .map((statement) => statement.trim().replace(/;$/, ''))
      .filter((statement) => statement !== '' && !statement.startsWith('set names'))
    if (statements.length === 0) throw new Error('The migrations say what the entities say already.')
    writeFileSync(join(import.meta.dirname, dialect, `migration-${number}-${what}.ts`), source(statements))
    writeFileSync(join(import.meta.dirname, dialect, 'index.ts'), list(dialect))
  } finally {
    if (dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
}

function filesOf(dialect: string): string[] {
  return readdirSync(join(import.meta.dirname, dialect))
    .filter((file) => file.startsWith('migration-'))
    .sort()
}

/** What names them all, so that a bundle has them too. */
function list(dialect: string): string {
  const all = filesOf(dialect).map((file) => {
    const name = /export class (\w+)/.exec(readFileSync(join(import.meta.dirname, dialect, file), 'utf8'))?.[1]
    return { file, name }
  })
  return [
    '// Every migration, in their order. Written by write-migration.ts.',
    ...all.map(({ file, name }) => `import { ${name} } from './${file}'`),
    '',
    'export const migrations = {',
    ...all.map(({ file, name }) => `  '${file.slice(0, -'.ts'.length)}': ${name},`),
    '}',
    '',
  ].join('\n')
}

function source(statements: string[]): string {
  const name = what.replace(/(^|-)([a-z0-9])/g, (_, _dash, letter: string) => letter.toUpperCase())
  return [
    "import { Migration } from '@mikro-orm/migrations'",
    '',
    `export class ${name} extends Migration {`,
    '  override up(): void {',
    ...statements.map((statement) => `    this.addSql(\n      ${quote(statement)},\n    )`),
    '  }',
    '}',
    '',
  ].join('\n')
}

/** As the formatter writes it: single quotes, unless that needs more escapes. */
function quote(text: string): string {
  const json = JSON.stringify(text)
  return text.includes("'") && !text.includes('"')
    ? json
    : `'${json.slice(1, -1).replace(/\\"/g, '"').replace(/'/g, "\\'")}'`
}
