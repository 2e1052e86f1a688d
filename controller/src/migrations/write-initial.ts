// Writes the single initial migration of both dialects from the entities. Only until the first release: after it, changes
// are new files beside it. Its name says its content, so that a database with other tables is refused instead of half used.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MySqlDriver } from '@mikro-orm/mysql'
import { MikroORM, type Options, SqliteDriver } from '@mikro-orm/sql'
import { entities } from '../entities.ts'
import { mySqlOptions, sharedOptions } from '../platform/db.ts'
import { nodeSqliteDialect } from '../platform/sqlite.ts'

const dialects: Record<string, Options> = {
  sqlite: { driver: SqliteDriver, dbName: ':memory:', driverOptions: nodeSqliteDialect(':memory:') },
  mysql: { driver: MySqlDriver, dbName: 'ansflow', ...mySqlOptions },
}

for (const [dialect, options] of Object.entries(dialects)) {
  const orm = await MikroORM.init({ ...sharedOptions, ...options, entities } as Options)
  const schema = (await orm.schema.getCreateSchemaSQL({ wrap: false })) as string
  const statements = schema
    .split(/;\n+/)
    .map((statement) => statement.trim().replace(/;$/, ''))
    .filter((statement) => statement !== '' && !statement.startsWith('set names'))
  const folder = join(import.meta.dirname, dialect)
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(folder)) rmSync(join(folder, file))
  const content = createHash('sha256').update(statements.join(';')).digest('hex').slice(0, 8)
  writeFileSync(join(folder, `migration-0001-${content}.ts`), source(statements))
  await orm.close()
}

function source(statements: string[]): string {
  const lines = statements.map((statement) => `    this.addSql(\n      ${quote(statement)},\n    )`)
  return [
    '// Made by "pnpm --dir controller migrations:initial" from the entities.',
    "import { Migration } from '@mikro-orm/migrations'",
    '',
    'export class Initial extends Migration {',
    '  override up(): void {',
    ...lines,
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
