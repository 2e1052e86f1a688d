// Takes secrets out of what the system shows of this process: /proc/<pid>/environ stays what it was at the start, whatever is
// deleted from `process.env`, and every process of the same user can read it.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

const secret = /^ANSFLOW_(ADMIN_\w+|\w*(KEY|TOKEN|URL))$/

/** Call it with `process.env` when all settings are read. Where the system has no /proc, they are only deleted. */
export function hideSecrets(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (secret.test(name)) delete env[name]
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    // Field 50 (env_start) of proc(5); the second field may hold blanks, so it is counted from its end.
    let at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[47])
    const memory = openSync('/proc/self/mem', 'r+')
    for (const entry of readFileSync('/proc/self/environ', 'latin1').split('\0')) {
      if (secret.test(entry.split('=', 1)[0] ?? '')) writeSync(memory, Buffer.alloc(entry.length), 0, entry.length, at)
      at += entry.length + 1
    }
    closeSync(memory)
  } catch {
    // Not Linux, or a system that does not allow it: README says what a step can read.
  }
}
