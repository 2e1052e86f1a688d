// Which address of the controller the commands for a new agent name. Pure.

/** `given` is what the controller says; `consoleHost` is how this browser has reached it, which is better than "everywhere". */
export function agentAddress(given: string, consoleHost: string): string {
  return given.replace(/^((?:https?:\/\/)?)(0\.0\.0\.0|\[::\])(?=:)/, `$1${consoleHost}`)
}

/** Only programs on the controller's own host can dial it. */
export function isOnlyLocal(address: string): boolean {
  return /^(https?:\/\/)?(127\.[\d.]+|localhost|\[::1\]):/.test(address)
}
