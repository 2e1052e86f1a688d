// The numbers that isTerminal and the rolled-up status rely on.
import { describe, expect, it } from 'vitest'
import { isTerminal, isTerminalJob, JobStatus, RunStatus, StepStatus, statusWord } from './status.ts'

const names = (all: object) => Object.keys(all).filter((key) => Number.isNaN(Number(key)))

describe('statuses', () => {
  it('of runs and steps have the same names and numbers', () => {
    expect(names(RunStatus)).toEqual(names(StepStatus))
    for (const name of names(RunStatus)) {
      expect(RunStatus[name as keyof typeof RunStatus]).toBe(StepStatus[name as keyof typeof StepStatus])
    }
  })

  it('end where the design says', () => {
    const ended = names(StepStatus).filter((name) => isTerminal(StepStatus[name as keyof typeof StepStatus]))
    expect(ended).toEqual(['SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED', 'LOST'])
    const endedJobs = names(JobStatus).filter((name) => isTerminalJob(JobStatus[name as keyof typeof JobStatus]))
    expect(endedJobs).toEqual(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELED', 'LOST'])
  })

  it('have the words of the design', () => {
    const words = 'waiting blocked queued running succeeded failed canceled skipped lost'.split(' ')
    expect(words.map((_, i) => statusWord((i + 1) as StepStatus))).toEqual(words)
  })
})
