// Owns the message that ends a job: closes its log and gathers outcome, outputs, what it tells people, and times.
import { lstatSync } from 'node:fs'
import { type Finished, FinishedSchema, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Annotation, AnnotationLevel, AnnotationSchema } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { LogSpool } from '../log/log-spool.ts'
import { textOf } from '../log.ts'
import type { StepFile } from '../process/step-files.ts'
import type { ReadReports, ReportProblem } from '../reports/read-reports.ts'
import { imageOf, outputsOf } from '../steps/index.ts'
import { readExports, type StepExports } from './exports.ts'
import type { JobFolder } from './journal.ts'
import { type Ending, impossible, lost } from './outcome.ts'
import { readOutputs, type StepOutputs } from './outputs.ts'
import { readSummary, type Summary } from './summary.ts'

const TITLE = 'Reports'
const UNMASKED = 'not all secrets are known that they may hold.'

/** What the step has written for others. */
interface Written {
  outputs: StepOutputs
  exports: StepExports
  summary: Summary
}

export function finishedMessage(
  folder: JobFolder,
  ending: Ending,
  startedAt: number | undefined,
  spool: LogSpool | undefined,
  reports?: ReadReports,
): Finished {
  let written: Written | undefined
  let told = ending
  const warnings: Annotation[] = []
  try {
    for (const problem of reports?.problems ?? []) warnings.push(warningOf(problem, spool))
    if (ending.exitCode !== undefined && spool) {
      written = spool.knowsSecrets ? readWritten(folder, spool) : unmasked(folder)
      const failure = written.outputs.failure ?? written.exports.failure
      if (failure && ending.outcome === Outcome.SUCCEEDED) told = { ...ending, ...impossible(failure) }
      // A log that is sealed already tells them: an agent before this one was killed right after.
      if (!spool.final) for (const problem of problemsOf(written)) spool.say(problem)
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
  const image = imageOf(folder)
  const { annotations: marked = [], leftOut = 0 } = spool?.annotations ?? {}
  const annotations = [...marked, ...warnings].slice(0, limits.annotations)
  return create(FinishedSchema, {
    job: folder.ref,
    ...told,
    reason: spool?.masked(told.reason) ?? told.reason,
    outputs: Object.fromEntries(written?.outputs.outputs ?? []),
    annotations,
    annotationsLeftOut: leftOut + marked.length + warnings.length - annotations.length,
    ...(reports && { reports: reports.found }),
    env: Object.fromEntries(written?.exports.env ?? []),
    path: written?.exports.path ?? [],
    summary: written?.summary.markdown ?? '',
    summaryCut: written?.summary.cut ?? false,
    finishedAt: timestampFromMs(ending.exitCode === undefined ? Date.now() : folder.notedAt()),
    logSize: BigInt(spool?.size ?? 0),
    ...(image && { image }),
    ...(startedAt === undefined ? {} : { startedAt: timestampFromMs(startedAt) }),
  })
}

/** Of a job whose secrets are not known: nothing of what it has written can be told. */
export const unreadReports: ReadReports = {
  found: {},
  problems: [{ message: `The reports were not read: ${UNMASKED}`, file: '', line: 0 }],
}

/** Said in the log too, at the line that it leads to; a log that is sealed already has it. */
function warningOf({ message, file, line }: ReportProblem, spool: LogSpool | undefined): Annotation {
  const logOffset = spool && !spool.final ? spool.say(message) : 0
  const said = { level: AnnotationLevel.WARNING, title: TITLE, message, file, line }
  return create(AnnotationSchema, { ...said, logOffset: BigInt(logOffset) })
}

function readWritten(folder: JobFolder, spool: LogSpool): Written {
  const declared = [...folder.spec.outputs, ...outputsOf(folder.spec)]
  const isSecret = (value: string) => spool.conceals(value)
  return {
    outputs: readOutputs(folder.stepFile('output'), declared, isSecret),
    exports: readExports({ env: folder.stepFile('env'), path: folder.stepFile('path') }, isSecret),
    summary: readSummary(folder.stepFile('summary'), (text) => spool.masked(text)),
  }
}

/** Of a step whose secrets are not known, nothing can be told. */
function unmasked(folder: JobFolder): Written {
  const hasWritten = (...names: StepFile[]) => names.some((name) => hasContent(folder.stepFile(name)))
  return {
    outputs: {
      outputs: new Map(),
      problems: [],
      ...(hasWritten('output') && { failure: `The outputs were dropped: ${UNMASKED}` }),
    },
    exports: {
      env: new Map(),
      path: [],
      problems: [],
      ...(hasWritten('env', 'path') && { failure: `What it sets for later steps was dropped: ${UNMASKED}` }),
    },
    summary: {
      markdown: '',
      cut: false,
      ...(hasWritten('summary') && { problem: `The summary was dropped: ${UNMASKED}` }),
    },
  }
}

function problemsOf({ outputs, exports, summary }: Written): string[] {
  const all = [...outputs.problems, outputs.failure, ...exports.problems, exports.failure, summary.problem]
  return all.filter((problem) => problem !== undefined)
}

function hasContent(path: string): boolean {
  return (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}
