// Owns taking up the jobs of an agent from before their notes were in one file: they may run, and write to where they began.
import { appendFileSync, chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../data-folder.ts'
import { acceptedIn, jobFile } from './job-notes.ts'

/** Made by whoever begins a job. */
export const BEGUN = 'begun'
/** Of the output's file, when it was made by an agent so that no helper of the agent before begins the job. */
const TAKEN_OVER_MODE = 0o440

/** Of a job that has not begun: whoever made its output's file began it. From now on it is whoever makes the other one. */
function takeOver(path: string): void {
  const job = join(path, 'job')
  const raw = join(path, 'raw')
  if (!existsSync(job)) return
  try {
    const text = readFileSync(job, 'utf8')
    const accepted = JSON.parse(acceptedIn(text))
    if (accepted.claim !== undefined) return
    // Exclusively: from here on no helper of that agent begins it, and an agent killed here goes on from here.
    if (!existsSync(raw)) writeFileSync(raw, '', { mode: TAKEN_OVER_MODE, flag: 'wx' })
    if ((statSync(raw).mode & 0o777) !== TAKEN_OVER_MODE) return
    replaceFile(job, jobFile(JSON.stringify({ ...accepted, claim: BEGUN })))
    chmodSync(raw, 0o600)
  } catch {
    // It has begun just now, or is no job.
  }
}

/** Of a job whose wrapper notes its exit code in `run/state`, that becomes the job's file. */
export function adoptBefore(path: string): void {
  gather(path)
  takeOver(path)
}

function gather(path: string): void {
  const file = (...parts: string[]) => join(path, ...parts)
  if (existsSync(file('job')) || !existsSync(file('job.json'))) return
  try {
    const accepted = JSON.parse(textOf(file('job.json')))
    // Of the step's TMPDIR, from before that was noted there too.
    accepted.temp ??= textOf(file('temp')) || file('tmp')
    const fresh = jobFile(JSON.stringify(accepted))
    const state = file('run', 'state')
    if (textOf(file('run', 'claim')) === 'agent') writeFileSync(file('raw'), '', { mode: 0o400 })
    else if (existsSync(file('run', 'raw'))) renameSync(file('run', 'raw'), file('raw'))
    else if (existsSync(file('run', 'claim'))) writeFileSync(file('raw'), '', { mode: 0o600 })
    if (!existsSync(state)) {
      writeFileSync(file('job'), fresh, { mode: 0o600 })
      return
    }
    const noted = statSync(state).size
    const reader = textOf(file('reader')).trim()
    const cgroup = textOf(file('cgroup'))
    const [readerLine, cgroupLine] = [reader && `:${reader}`, cgroup].map((text, i) => text.padEnd(i === 0 ? 15 : 1023))
    appendFileSync(state, `${readerLine}\n${cgroupLine}\n${fresh.slice(noted + 16 + 1024)}`)
    renameSync(state, file('job'))
  } catch {
    // What cannot be taken up is no job, and is removed.
  }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
