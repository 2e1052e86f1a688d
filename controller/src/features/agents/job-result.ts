// What an agent says of a job's end, in the engine's words; everything it could fill without bound is bounded.

import type { JobReport } from '@ansflow/engine/report'
import type { JobImage, JobResult } from '@ansflow/engine/state'
import { findUnstorable, storable } from '@ansflow/proto/characters'
import { type Finished, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits, patterns } from '@ansflow/proto/limits'
import { reason } from '@ansflow/proto/reasons'
import { reservedProblem } from '@ansflow/proto/step-variables'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { foundReportsOf } from './found-reports.ts'
import type { JobSecrets } from './job-book.ts'

const maxReason = 2000
const maxDigest = 128

export function resultOf(finished: Finished): JobResult {
  const { exitCode, startedAt, finishedAt, logSize } = finished
  const { outcome, reason, reasonCode } = isKnown(finished.outcome) ? finished : unknownOutcome(finished.outcome)
  const result: JobResult = {
    outcome,
    outputs: finished.outputs,
    logSize: Number(logSize),
    ...reportOf(finished),
    ...exportsOf(finished),
    ...imageOf(finished),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason ? { reason: reason.slice(0, maxReason).toWellFormed() } : {}),
    ...(reasonCode ? { reasonCode: reasonCode.slice(0, 64) } : {}),
    ...(startedAt ? { startedAt: timestampDate(startedAt) } : {}),
    ...(finishedAt ? { finishedAt: timestampDate(finishedAt) } : {}),
  }
  const fault = faultOf(finished.outputs) ?? faultOfExports(finished)
  if (!fault) return result
  delete result.exports
  // Half a value would be worse than none: whoever uses it could not tell.
  if (outcome !== Outcome.SUCCEEDED) return { ...result, outputs: {} }
  return { ...result, outputs: {}, outcome: Outcome.FAILED, reasonCode: 'agent_error', reason: fault }
}

function imageOf({ image }: Finished): { image?: JobImage } {
  if (!image) return {}
  return { image: { name: textOf(image.name, limits.imageName), digest: textOf(image.digest, maxDigest) } }
}

const levels: ReadonlySet<AnnotationLevel> = new Set([
  AnnotationLevel.NOTICE,
  AnnotationLevel.WARNING,
  AnnotationLevel.ERROR,
])

/** The agent keeps the same limits; what one sends beyond them is left out. Of a level that is newer than this controller, it is a notice. */
function reportOf(finished: Finished): { report?: JobReport } {
  const { annotations, annotationsLeftOut, summary, summaryCut, reports } = finished
  if (annotations.length === 0 && annotationsLeftOut === 0 && summary === '' && !reports) return {}
  const kept = annotations.slice(0, limits.annotations)
  const fits = Buffer.byteLength(summary) <= limits.summaryBytes
  return {
    report: {
      annotations: kept.map((annotation) => ({
        ...annotation,
        level: levels.has(annotation.level) ? annotation.level : AnnotationLevel.NOTICE,
        message: textOf(annotation.message, limits.annotationMessage),
        title: textOf(annotation.title, limits.annotationTitle),
        file: textOf(annotation.file, limits.annotationFile),
      })),
      leftOut: annotationsLeftOut + annotations.length - kept.length,
      summary: fits ? storable(summary) : '',
      summaryCut: summaryCut || !fits,
      ...(reports && { found: foundReportsOf(reports) }),
    },
  }
}

function textOf(text: string, most: number): string {
  return storable(text.slice(0, most))
}

function isKnown(outcome: Outcome): boolean {
  return outcome !== Outcome.UNSPECIFIED && Outcome[outcome] !== undefined
}

/** Of an agent newer than this controller: whatever it means, it is no success. */
function unknownOutcome(outcome: number): Pick<Finished, 'outcome' | 'reason' | 'reasonCode'> {
  const reason = `Its agent reported an outcome that this controller does not know (${outcome}).`
  return { outcome: Outcome.FAILED, reason, reasonCode: 'agent_error' }
}

/** The agent keeps the same rules; one that does not is not believed. */
function faultOf(outputs: Record<string, string>): string | undefined {
  const entries = Object.entries(outputs)
  // Those it declares, and those of its type.
  if (entries.length > 2 * limits.outputsOfAStep) return `The step has ${entries.length} outputs.`
  const bytes = bytesOf(entries.flat())
  if (bytes > limits.outputsBytes) {
    return `The outputs have ${bytes} bytes; a step may have ${limits.outputsBytes} of them.`
  }
  const wrong = findUnstorable(outputs)
  return wrong && `An output holds ${wrong.name}, which cannot be stored.`
}

function exportsOf({ env, path }: Finished): Pick<JobResult, 'exports'> {
  return path.length > 0 || Object.keys(env).length > 0 ? { exports: { env, path } } : {}
}

function faultOfExports({ env, path }: Finished): string | undefined {
  const names = Object.keys(env)
  if (names.length > limits.exportsOfAStep || path.length > limits.exportsOfAStep) {
    return `The step sets ${names.length} variables and ${path.length} folders for later ones.`
  }
  const bytes = bytesOf([...Object.entries(env).flat(), ...path])
  if (bytes > limits.outputsBytes) return `What the step sets for later ones has ${bytes} bytes.`
  const wrongName = names.find((name) => !patterns.identifier.test(name) || reservedProblem(name) !== undefined)
  if (wrongName !== undefined) return `The step sets ${JSON.stringify(wrongName.slice(0, 80))} for later ones.`
  const wrong = findUnstorable(env) ?? findUnstorable(path)
  return wrong && `What the step sets for later ones holds ${wrong.name}, which cannot be stored.`
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

/** Why a job cannot have what it needs; undefined: it has all of it. Of missing ones the reason is their names: its sentence is the reader's. */
export function lackOf({ missing, untrusted, refused }: JobSecrets): JobResult | undefined {
  const outcome = Outcome.FAILED
  if (untrusted) return { outcome, why: reason('secret_untrusted', { names: untrusted.join(', ') }) }
  if (missing.length > 0) return { outcome, reasonCode: 'secret_missing', reason: missing.join(', ') }
  if (refused === undefined) return undefined
  return { outcome, reasonCode: 'repository_access', reason: refused.slice(0, maxReason).toWellFormed() }
}
