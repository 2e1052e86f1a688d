// Owns taking up the jobs of an agent from before their notes were in one file: they may run, and write to where they began.
import { appendFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jobFile } from './job-notes.ts'

/** Of a job whose wrapper notes its exit code in `run/state`, that becomes the job's file. */
export function adoptBefore(path: string): void {
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
