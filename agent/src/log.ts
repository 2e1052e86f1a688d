// Owns the agent's own messages: one readable line each on standard error, never a secret, never a step's output.

type Fields = Record<string, string | number | boolean | undefined>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/** Lines look like `2026-01-31T10:00:00.000Z warn  Lost the connection. url=… `. */
export function createLog(write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const line =
    (level: string) =>
    (message: string, fields: Fields = {}) => {
      const rest = Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
        .join('')
      write(`${new Date().toISOString()} ${level} ${message}${rest}\n`)
    }
  return { info: line('info '), warn: line('warn '), error: line('error') }
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** The text of anything thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
