// What lies between a statement and the database, the same for both drivers.

/** Tests put faults here. `cut` loses the connection, where there is one. */
export type StatementTap = <T>(sql: string, run: () => Promise<T>, cut: () => void) => Promise<T>

/** Statements that change no rows. */
export const leavesRowsAlone = /^\s*(select|set|begin|commit|rollback|savepoint|release|pragma)\b/i

/** Statements that need no connection which may write. */
export const reads = /^\s*select\b/i
