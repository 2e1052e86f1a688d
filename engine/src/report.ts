// What an attempt tells people besides its result. The engine keeps how much of it there is; what it says is stored by others, in the
// transaction of the attempt's end.
import { type Annotation, AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { JobState } from './state.ts'

export interface JobReport {
  annotations: readonly Annotation[]
  /** That were not kept. */
  leftOut: number
  /** Markdown; empty: none. */
  summary: string
  summaryCut: boolean
}

/** How much of it there is. */
export interface ReportCounts {
  errors: number
  warnings: number
  notices: number
  leftOut: number
  summary: boolean
}

/** Told once: by the result that ended the attempt. */
export interface ReportChange {
  job: JobState
  report: JobReport
}

/** Null: it tells nothing. */
export function countsOf({ annotations, leftOut, summary }: JobReport): ReportCounts | null {
  if (annotations.length === 0 && leftOut === 0 && summary === '') return null
  const count = (wanted: AnnotationLevel) => annotations.filter(({ level }) => level === wanted).length
  return {
    errors: count(AnnotationLevel.ERROR),
    warnings: count(AnnotationLevel.WARNING),
    notices: count(AnnotationLevel.NOTICE),
    leftOut,
    summary: summary !== '',
  }
}
