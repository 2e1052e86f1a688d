// The runs of a person: what they have started, and what is for their commits.
import { invalidField } from '@ansflow/proto/errors'
import { type ExpressionBuilder, type ExpressionWrapper, type Kysely, type SqlBool, sql } from 'kysely'
import type { Db, EntityManager } from '../../platform/db.ts'
import { type CallContext, personOf } from '../../transport/call.ts'
import { maySeeMember } from '../access/index.ts'
import { peopleById } from '../auth/index.ts'
import type { RunRow, RunTables } from './run-tables.ts'

export type RunExpressions = ExpressionBuilder<RunTables, 'run'>
export type Fits = (eb: RunExpressions) => ExpressionWrapper<RunTables, 'run', SqlBool>

/** A page of runs, newest first: those that fit, older than `before` where it is given. */
export interface PageAsked {
  fits: Fits
  before: string | undefined
  size: number
}

export interface RunPerson {
  userId: string
  /** In small letters. */
  email: string
}

/** The same error whether there is nobody with that id or the caller may not see them. */
export async function readPerson(ctx: CallContext, id: string, now: Date): Promise<RunPerson> {
  const caller = personOf(ctx)
  if (id === caller.userId) return { userId: id, email: caller.email }
  const [person] = (await maySeeMember(ctx.em, caller, id, now)) ? await peopleById(ctx.em, [id]) : []
  if (!person)
    throw invalidField('person_id', 'must be your own id, or that of a member whom you may see', 'person_unknown')
  return { userId: person.id, email: person.email }
}

/** Newest first: at most one more than the page holds. Each of the two is read from its own index, no further than the page reaches. */
export async function runIdsOfPerson(
  db: Db,
  em: EntityManager,
  person: RunPerson,
  asked: PageAsked,
): Promise<string[]> {
  const ids = new Set<string>()
  for (const query of personQueries(db.dialect, db.kysely<RunTables>(em), person, asked)) {
    for (const { id } of await query.execute()) ids.add(id)
  }
  return [...ids]
    .sort()
    .reverse()
    .slice(0, asked.size + 1)
}

/** The index is named: else a planner takes that of the project, and reads the runs of everybody to find few. */
export function personQueries(
  dialect: Db['dialect'],
  kysely: Kysely<RunTables>,
  { userId, email }: RunPerson,
  { fits, before, size }: PageAsked,
) {
  const by = (column: 'started_by' | 'author_mail', value: string) => {
    const index = sql.id(`run_${column}_id_index`)
    const hint = dialect === 'sqlite' ? sql`run indexed by ${index}` : sql`run force index (${index})`
    const query = kysely.selectFrom(sql<RunRow>`run`.as<'run'>(hint)).select('id').where(column, '=', value).where(fits)
    return (before === undefined ? query : query.where('id', '<', before)).orderBy('id', 'desc').limit(size + 1)
  }
  return [by('started_by', userId), by('author_mail', email)]
}
