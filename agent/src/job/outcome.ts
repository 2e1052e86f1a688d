// Owns how a job's end is told: outcome, exit code and a reason, from what was seen. Pure.
import { constants } from 'node:os'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { RuntimeUnavailable } from '../containers/runtime.ts'
import { textOf } from '../log.ts'
import type { Intent } from './journal.ts'
import { WorkspaceGone } from './workspace.ts'

export interface Ending {
  outcome: Outcome
  exitCode?: number
  reason: string
  reasonCode: string
}

/** What the agent saw of the process, and why it ended it if it did. */
export function endingOf(exitCode: number | undefined, intent: Intent | undefined, timeoutMs: number): Ending {
  const code = exitCode === undefined ? {} : { exitCode }
  if (intent?.kind === 'canceled') {
    return {
      ...code,
      outcome: Outcome.CANCELED,
      reason: '',
      reasonCode: intent.agentStops ? 'agent_stopped' : 'canceled',
    }
  }
  if (intent?.kind === 'timedOut') {
    return { ...code, outcome: Outcome.TIMED_OUT, reason: `longer than ${duration(timeoutMs)}`, reasonCode: 'timeout' }
  }
  if (intent?.kind === 'fenced') {
    const reason = 'ended by the agent: the controller was out of reach and may repeat it elsewhere'
    return { ...code, outcome: Outcome.LOST, reason, reasonCode: 'lost' }
  }
  if (exitCode === undefined) return lost('its process ended without leaving an exit code')
  if (exitCode === 0) return { exitCode, outcome: Outcome.SUCCEEDED, reason: '', reasonCode: '' }
  const signal = exitCode > 128 ? signalName(exitCode - 128) : undefined
  if (signal) return { exitCode, outcome: Outcome.FAILED, reason: `ended by ${signal}`, reasonCode: 'signal' }
  return { exitCode, outcome: Outcome.FAILED, reason: `exit code ${exitCode}`, reasonCode: 'exit_code' }
}

/** The agent could not run or keep it. */
export function lost(reason: string): Ending {
  return { outcome: Outcome.LOST, reason, reasonCode: 'lost' }
}

/** It cannot be run as it is written; trying again would not help. */
export function impossible(reason: string): Ending {
  return { outcome: Outcome.FAILED, reason, reasonCode: 'agent_error' }
}

/** Of what the agent did for it: a system error is the agent's own, everything else is a sentence about what was asked for. */
export function failureOf(error: unknown): Ending {
  if (error instanceof WorkspaceGone) return { ...impossible(error.message), reasonCode: 'workspace_gone' }
  if (error instanceof RuntimeUnavailable) return lost(error.message)
  const { syscall } = error as NodeJS.ErrnoException
  return syscall ? lost(`it could not be started: ${textOf(error)}`) : impossible(textOf(error))
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

export function duration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`
  return seconds < 7200 ? `${Math.round(seconds / 6) / 10} min` : `${Math.round(seconds / 360) / 10} h`
}
