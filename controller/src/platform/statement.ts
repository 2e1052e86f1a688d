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

class Place {
  readonly name: PropertyKey
  constructor(name: PropertyKey) {
    this.name = name
  }
}

const places = new Proxy({}, { get: (_, name) => new Place(name) })

/**
 * `build` gets a place for each value instead of the value, so it must not look at them. Two calls, because TypeScript infers
 * all type arguments or none: `statement<Tables, { id: string }>()((db, value) => …)`.
 */
export function statement<Tables, Values extends object>() {
  return <Row>(build: (db: Kysely<Tables>, values: Values) => { compile(): CompiledQuery<Row> }) => {
    const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>()
    function execute(db: Kysely<Tables>, values: Values): Promise<QueryResult<Row>> {
      const { adapter } = db.getExecutor()
      let query = compiled.get(adapter)
      if (!query) {
        query = build(db, places as Values).compile()
        compiled.set(adapter, query)
      }
      const given = values as Record<PropertyKey, unknown>
      const parameters = query.parameters.map((value) => (value instanceof Place ? given[value.name] : value))
      return db.executeQuery({ ...query, parameters })
    }
    return {
      execute,
      first: async (db, values) => (await execute(db, values)).rows[0],
      changed: async (db, values) => (await execute(db, values)).numAffectedRows ?? 0n,
    } satisfies Statement<Tables, Values, Row> as Statement<Tables, Values, Row>
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
  const kept = new Map<string, Statement<Tables, Record<string, unknown>, InsertResult>>()
  function ofRows(columns: string[], count: number, most: number) {
    const key = `${count} ${columns.join(' ')}`
    const known = kept.get(key)
    if (known) return known
    const made = statement<Tables, Record<string, unknown>>()<InsertResult>((db, values) => {
      const rows = Array.from({ length: count }, (_, row) =>
        Object.fromEntries(
          columns.map((column) => {
            const value = values[`${row} ${column}`]
            return [column, compute[column]?.(value) ?? value]
          }),
        ),
      )
      return extend(db.insertInto(table).values(rows as Insertable<Tables[Table]>[]))
    })
    if (count <= keptRows || count === most) kept.set(key, made)
    return made
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
      const values: Record<string, unknown> = {}
      for (const [row, given] of part.entries()) {
        for (const column of columns) values[`${row} ${column}`] = given[column]
      }
      await ofRows(columns, part.length, most).execute(db, values)
    }
  }
}
