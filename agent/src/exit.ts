// Owns the ways the agent can end: a sentence for people and an exit code for programs.

export const exitCodes = {
  ok: 0,
  unexpected: 1,
  /** Wrong command line or settings, as far as this program or the controller can tell. */
  usage: 2,
  /** The controller refused the token or the identity. */
  refused: 3,
  /** The controller could not be reached (only `register` gives up; `run` keeps trying). */
  unreachable: 4,
  /** The data folder cannot be written. */
  dataFolder: 5,
  /** Another agent runs on the same data folder. */
  alreadyRunning: 6,
  /** This operating system cannot run the agent. */
  unsupported: 7,
  /** Another process runs with the identity of this agent. */
  identityInUse: 8,
} as const

/** Ends the program with a sentence and a code; anything else thrown is a bug. */
export class ExitError extends Error {
  readonly exitCode: number
  constructor(kind: keyof typeof exitCodes, message: string) {
    super(message)
    this.name = 'ExitError'
    this.exitCode = exitCodes[kind]
  }
}
