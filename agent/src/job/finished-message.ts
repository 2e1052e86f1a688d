// Owns the message that ends a job: closes its log and gathers outcome, outputs and times.
import { lstatSync } from 'node:fs'
import { type Finished, FinishedSchema, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { LogSpool } from '../log/log-spool.ts'
import { textOf } from '../log.ts'
import { outputsOf } from '../steps/index.ts'
import type { JobFolder } from './journal.ts'
import { type Ending, impossible, lost } from './outcome.ts'
import { readOutputs, type StepOutputs } from './outputs.ts'

const UNMASKED = 'The outputs were dropped: not all secrets are known that they may hold.'

export function finishedMessage(
  folder: JobFolder,
  ending: Ending,
  startedAt: number | undefined,
  spool: LogSpool | undefined,
): Finished {
  const outputs: Record<string, string> = {}
  let told = ending
  try {
    if (ending.exitCode !== undefined && spool) {
      const declared = [...folder.spec.outputs, ...outputsOf(folder.spec)]
      const file = folder.stepFile('output')
      const found: StepOutputs = spool.knowsSecrets
        ? readOutputs(file, declared, (value) => spool.conceals(value))
        : { outputs: new Map(), problems: [], ...(hasContent(file) && { failure: UNMASKED }) }
      for (const [name, value] of found.outputs) outputs[name] = value
      if (found.failure && ending.outcome === Outcome.SUCCEEDED) told = { ...ending, ...impossible(found.failure) }
      if (found.failure) found.problems.push(found.failure)
      // A log that is sealed already tells them: an agent before this one was killed right after.
      if (!spool.final) for (const problem of found.problems) spool.say(problem)
    }
  } catch (error) {
    told = lost(`its log or outputs cannot be kept: ${textOf(error)}`)
  }
  try {
    // Whatever else fails: a log that is never complete keeps the agent from ever draining.
    spool?.seal()
  } catch (error) {
    told = lost(`its log cannot be kept: ${textOf(error)}`)
  }
  const reason = spool?.masked(told.reason) ?? told.reason
  return create(FinishedSchema, {
    job: folder.ref,
    ...told,
    reason,
    outputs,
    finishedAt: timestampFromMs(ending.exitCode === undefined ? Date.now() : folder.notedAt()),
    logSize: BigInt(spool?.size ?? 0),
    ...(startedAt === undefined ? {} : { startedAt: timestampFromMs(startedAt) }),
  })
}

function hasContent(path: string): boolean {
  return (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}
