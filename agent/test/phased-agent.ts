// An agent whose kind "checkout" is another one, for tests: it has every phase, each of which waits, fails or goes on as the files
// of a folder say, and its main is a process that it starts, finds again and ends in its own way.
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  existsSync,
  type FSWatcher,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { JobFolder } from '../src/job/journal.ts'
import { isAlive } from '../src/process/process-table.ts'
import { kinds } from '../src/steps/index.ts'
import type { Main, MainEnd, PhaseContext, StepContext, StepHost } from '../src/steps/step-kind.ts'

/** In a group of its own; notes itself before it begins, and its exit code. */
const SCRIPT = `
trap : TERM
read -r stat </proc/$$/stat
(set -- "$2" \${stat##*) }; echo "$$ \${21}" >"$1/pid.next"; mv "$1/pid.next" "$1/pid")
(trap - TERM; echo "main begins" >>"$1/trace"; echo "main prints"
 while [ ! -e "$1/main.go" ]; do sleep 0.02; done
 echo "main ends" >>"$1/trace"; echo "main is over"; [ ! -e "$1/main.fail" ])
echo "$?" >"$2/code.next"; mv "$2/code.next" "$2/code"
`

class OwnProcess implements Main {
  readonly #dir: string
  readonly #folder: JobFolder
  #watcher: FSWatcher | undefined
  #isKilled = false

  constructor(dir: string, folder: JobFolder) {
    this.#dir = dir
    this.#folder = folder
  }

  async begin({ host }: StepContext, onChange: () => void): Promise<void> {
    // As long as a container takes to be made.
    await delay(50)
    if (!this.#folder.begin()) return
    const raw = openSync(this.#folder.file('raw'), 'a')
    this.attach(host, onChange)
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'phased', this.#dir, this.#folder.path], {
      detached: true,
      stdio: ['ignore', raw, raw],
    })
    child.unref()
    closeSync(raw)
  }

  attach(_host: StepHost, onChange: () => void): void {
    this.#watcher = watch(this.#folder.path, { persistent: false }, (_event, name) => name !== 'log' && onChange())
    onChange()
  }

  unfollow(): void {
    this.#watcher?.close()
  }

  #noted(): { pid: number; startTime: string } | undefined {
    const file = this.#folder.file('pid')
    const [pid, startTime = ''] = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []
    return pid ? { pid: Number(pid), startTime } : undefined
  }

  startedAt(): number | undefined {
    return statSync(this.#folder.file('pid'), { throwIfNoEntry: false })?.mtimeMs
  }

  elapsedMs(): number {
    return Date.now() - (this.startedAt() ?? Date.now())
  }

  ended(): MainEnd | undefined {
    const file = this.#folder.file('code')
    if (existsSync(file)) return { exitCode: Number(readFileSync(file, 'utf8')) }
    return this.#isKilled ? { exitCode: 137 } : undefined
  }

  vanished(): string | undefined {
    const noted = this.#noted()
    return noted && !isAlive(noted.pid, noted.startTime) && !this.ended() ? 'its process is gone' : undefined
  }

  async kill(graceMs: number, hurry: AbortSignal): Promise<number> {
    while (!this.#noted() && !this.#folder.claim()) await delay(10)
    const noted = this.#noted()
    if (!noted) return 0
    appendFileSync(join(this.#dir, 'trace'), 'main is asked to end\n')
    const deadline = performance.now() + graceMs
    for (let signal: NodeJS.Signals | 0 = 'SIGTERM'; isAlive(noted.pid, noted.startTime); signal = 0) {
      const isLate = performance.now() > deadline || hurry.aborted
      try {
        process.kill(-noted.pid, isLate ? 'SIGKILL' : signal)
      } catch {
        // It has ended in the meantime.
      }
      await delay(10)
    }
    this.#isKilled = true
    return 0
  }

  release(): void {
    // It leaves nothing and holds nothing.
  }
}

async function phase(name: string, dir: string, { signal, say, secrets }: PhaseContext): Promise<void> {
  const trace = (line: string) => appendFileSync(join(dir, 'trace'), `${name} ${line}\n`)
  const has = (what: string) => existsSync(join(dir, `${name}.${what}`))
  trace('begins')
  if (secrets.length > 0) say(`${name} knows ${secrets[0]?.value}`)
  if (has('fail')) throw new Error(`${name} fails.`)
  while (!has('go')) {
    if (signal.aborted && !has('deaf')) {
      trace('is asked to end')
      throw new Error('It was asked to end.')
    }
    await delay(10)
  }
  trace('ends')
}

kinds.checkout = {
  outputs: ['uploaded'],
  prepare: ({ url }, context) => phase('prepare', url, context),
  async before({ url }, context) {
    mkdirSync(join(url, 'network'), { recursive: true })
    await phase('before', url, context)
  },
  main: ({ url }, folder) => new OwnProcess(url, folder),
  async after({ url }, context, exitCode) {
    await phase('after', url, context)
    writeFileSync(context.folder.stepFile('output'), `uploaded=${exitCode}\n`)
  },
  async cleanUp({ url }, context) {
    await phase('cleanUp', url, context)
    rmSync(join(url, 'network'), { recursive: true, force: true })
  },
}
await import('../src/main.ts')
