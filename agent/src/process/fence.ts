// Owns the fence: jobs that another agent may repeat are dead before the controller gives this one up, also when the agent is
// frozen or killed. A small shell waits for a deadline that the agent keeps pushing out; it outlives the agent.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../data-folder.ts'
import { type Log, textOf } from '../log.ts'
import { bootId, hostUptime } from './process-table.ts'

const DEFAULT_LOST_AFTER_MS = 120_000

/** The deadline is in hundredths of a second of the host's uptime, which no clock moves. Whoever is not named in it ends. */
const WATCHDOG = `
late() {
  read -r deadline token _ <"$1/fence" && [ "$token" = "$2" ] || exit 0
  read -r now _ </proc/uptime
  left=$((deadline - \${now%.*}\${now#*.}))
  [ "$left" -le 0 ]
}
while ! late "$@"; do
  # Not much at a time: a sleep does not count the time that the host is suspended.
  [ "$left" -lt 200 ] || left=200
  sleep "$((left / 100)).$((left / 10 % 10))$((left % 10))" || sleep 1
done
# At once what is near: a Node process takes a moment to start, and needs memory, which may be what the agent died of.
for job in "$1"/jobs/*; do
  pid= session= code= spec=
  { read -r pid _ session; read -r code; read -r _; read -r _; read -r spec; } <"$job/job"
  [ -n "$session" ] && [ -z "$code" ] || continue
  case $spec in *'"selfFence":true'*) ;; *) continue ;; esac
  [ -e "$job/intent.json" ] || printf '{"kind":"fenced","graceMs":0}' >"$job/intent.json"
  [ ! -d "/proc/$pid" ] || kill -9 "-$session"
done
while late "$@" && ! "$3" "$4" fence "$1"; do sleep 1; done
`

export interface Fence {
  /** The controller has heard of us what we sent at this time (monotonic). */
  push(contactAt: number): void
  /** How long after that it gives us up. 0: as usual. */
  setLostAfter(ms: number): void
  /** False: the controller may have given this agent up, or is about to. */
  isInTouch(): boolean
  /** Call it before a job runs that the controller may give to another agent. False: it may have done so already. */
  arm(): boolean
  /** The agent itself ends those jobs now, within this time; undefined: it need not. */
  graceMs(): number | undefined
}

export function createFence(dataPath: string, path: string, log: Log): Fence {
  const token = randomBytes(8).toString('hex')
  const before = readFence(dataPath)
  let lostAfterMs = before?.lostAfterMs ?? DEFAULT_LOST_AFTER_MS
  /** In seconds of uptime. Of a restarted agent, that of the one before: a restart is no contact. */
  let contactAt = before?.contactAt ?? hostUptime()
  let isArmed = false
  let watchdog: ChildProcess | undefined

  const deadline = () => contactAt + (lostAfterMs - marginMs(lostAfterMs)) / 1000
  const isInTouch = () => hostUptime() < deadline()

  function write(): void {
    const centiseconds = Math.floor(deadline() * 100)
    replaceFile(join(dataPath, 'fence'), `${centiseconds} ${token} ${contactAt} ${lostAfterMs} ${bootId()}\n`)
  }

  function watch(): void {
    if (watchdog || process.platform !== 'linux') return
    const args = [dataPath, token, process.execPath, process.argv[1] ?? '']
    const child = spawn('/bin/sh', ['-c', WATCHDOG, 'ansflow-fence', ...args], {
      env: { PATH: `${path}:/usr/bin:/bin` },
      detached: true,
      stdio: 'ignore',
    })
    watchdog = child
    for (const ends of ['exit', 'error']) child.once(ends, () => (watchdog = undefined))
    child.unref()
  }

  return {
    setLostAfter(ms) {
      lostAfterMs = ms || DEFAULT_LOST_AFTER_MS
    },
    push(sentAt) {
      contactAt = Math.max(contactAt, hostUptime() - (performance.now() - sentAt) / 1000)
      if (!isArmed) return
      try {
        write()
        watch()
      } catch (error) {
        // A full disk: the last deadline stands.
        log.warn('The fence cannot be pushed out.', { error: textOf(error) })
      }
    },
    isInTouch,
    arm() {
      if (!isInTouch()) return false
      if (!isArmed || !watchdog) {
        write()
        watch()
      }
      isArmed = true
      return true
    },
    graceMs() {
      const grace = lostAfterMs * 0.05
      return hostUptime() > deadline() - grace / 1000 ? grace : undefined
    },
  }
}

/** How long before the controller gives the agent up its jobs are ended for good: ending them takes a moment too. */
function marginMs(lostAfterMs: number): number {
  return Math.max(lostAfterMs * 0.1, Math.min(4000, lostAfterMs * 0.2))
}

function readFence(dataPath: string): { deadline: number; contactAt: number; lostAfterMs: number } | undefined {
  try {
    const [deadline, , contactAt, lostAfterMs, boot] = readFileSync(join(dataPath, 'fence'), 'utf8').trim().split(' ')
    if (boot !== bootId()) return undefined
    return { deadline: Number(deadline) / 100, contactAt: Number(contactAt), lostAfterMs: Number(lostAfterMs) }
  } catch {
    return undefined
  }
}

/** False when the agent has heard of the controller since the watchdog looked. */
export function hasPassed(dataPath: string): boolean {
  return hostUptime() >= (readFence(dataPath)?.deadline ?? Number.POSITIVE_INFINITY)
}
