// Queries that are built and compiled once a dialect and afterwards only given their values: for the statements of the hot path.
import type {
  CompiledQuery,
  DialectAdapter,
  Insertable,
  InsertQueryBuilder,
  InsertResult,
  Kysely,
  QueryResult,
  RawBuilder,
} from 'kysely'
import { nextTurn } from './turns.ts'

export interface Statement<Tables, Values, Row> {
  execute(db: Kysely<Tables>, values: Values): Promise<QueryResult<Row>>
  /** The first row, if any. */
  first(db: Kysely<Tables>, values: Values): Promise<Row | undefined>
  /** How many rows it changed. */
  changed(db: Kysely<Tables>, values: Values): Promise<bigint>
}

/** Stands for a value while a query is built; finds it among those that are given. */
class Place {
  readonly of: (values: never) => unknown
  constructor(of: (values: never) => unknown) {
    this.of = of
  }
}

const places = new Proxy({}, { get: (_, name) => new Place((values: Record<PropertyKey, unknown>) => values[name]) })

/** `build` makes the query with places where values belong. */
function prepared<Tables, Values, Row>(build: (db: Kysely<Tables>) => { compile(): CompiledQuery<Row> }) {
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>()
  return (db: Kysely<Tables>, values: Values): Promise<QueryResult<Row>> => {
    const { adapter } = db.getExecutor()
    let known = compiled.get(adapter)
    if (!known) {
      known = build(db).compile()
      compiled.set(adapter, known)
    }
    const { query, queryId, sql } = known
    const parameters = known.parameters.map((value) => (value instanceof Place ? value.of(values as never) : value))
    return db.executeQuery({ query, queryId, sql, parameters })
  }
}

/**
 * `build` gets a place for each value instead of the value, so it must not look at them. Two calls, because TypeScript infers
 * all type arguments or none: `statement<Tables, { id: string }>()((db, value) => …)`.
 */
export function statement<Tables, Values extends object>() {
  return <Row>(build: (db: Kysely<Tables>, values: Values) => { compile(): CompiledQuery<Row> }) => {
    const execute = prepared<Tables, Values, Row>((db) => build(db, places as Values))
    return {
      execute,
      first: async (db, values) => (await execute(db, values)).rows[0],
      changed: async (db, values) => (await execute(db, values)).numAffectedRows ?? 0n,
    } satisfies Statement<Tables, Values, Row> as Statement<Tables, Values, Row>
  }
}

/** The same for a query of a list of values, such as those of an `in`. */
export function statementOfList<Tables, Value>() {
  return <Row>(build: (db: Kysely<Tables>, values: Value[]) => { compile(): CompiledQuery<Row> }) => {
    const kept = new Map<number, (db: Kysely<Tables>, values: Value[]) => Promise<QueryResult<Row>>>()
    return (db: Kysely<Tables>, values: Value[]): Promise<QueryResult<Row>> => {
      const known = kept.get(values.length)
      if (known) return known(db, values)
      const listed = values.map((_, index) => new Place((given: Value[]) => given[index]) as Value)
      const execute = prepared<Tables, Value[], Row>((to) => build(to, listed))
      if (values.length <= keptRows) kept.set(values.length, execute)
      return execute(db, values)
    }
  }
}

/** Statements of up to so many rows are kept compiled, and those of as many as go into one; others are rare. */
const keptRows = 8
const mostParameters = 500
/** Very many rows are inserted in turns of the event loop. */
const sliceMs = 5

/**
 * Inserts rows of one table, all with the same columns, in as few statements as there may be; `extend` says what happens with
 * those that are there already, `computed` what the database makes of what a column is given.
 */
export function insertion<Tables, Table extends keyof Tables & string>(
  table: Table,
  extend: (insert: InsertQueryBuilder<Tables, Table, InsertResult>) => { compile(): CompiledQuery<InsertResult> } = (
    insert,
  ) => insert,
  computed: { [Column in keyof Tables[Table] & string]?: (value: unknown) => RawBuilder<unknown> } = {},
) {
  const compute: Record<string, ((value: unknown) => unknown) | undefined> = computed
  const kept = new Map<string, ReturnType<typeof made>>()
  function made(columns: string[], count: number) {
    return prepared<Tables, Record<string, unknown>[], InsertResult>((db) => {
      const rows = Array.from({ length: count }, (_, row) =>
        Object.fromEntries(
          columns.map((column) => {
            const place = new Place((values: Record<string, unknown>[]) => values[row]![column])
            return [column, compute[column]?.(place) ?? place]
          }),
        ),
      )
      return extend(db.insertInto(table).values(rows as Insertable<Tables[Table]>[]))
    })
  }
  function ofRows(columns: string[], count: number, most: number) {
    const key = `${count} ${columns.join(' ')}`
    const known = kept.get(key)
    if (known) return known
    const insert = made(columns, count)
    if (count <= keptRows || count === most) kept.set(key, insert)
    return insert
  }
  return async (db: Kysely<Tables>, rows: Insertable<Tables[Table]>[]): Promise<void> => {
    if (rows.length === 0) return
    const columns = Object.keys(rows[0]!)
    const most = Math.max(1, Math.floor(mostParameters / columns.length))
    let began = performance.now()
    for (let from = 0; from < rows.length; from += most) {
      if (performance.now() - began > sliceMs) {
        await nextTurn()
        began = performance.now()
      }
      const part = rows.slice(from, from + most) as Record<string, unknown>[]
      await ofRows(columns, part.length, most)(db, part)
    }
  }
}
