// What a check of a pipeline reports.

/** `field` is a path within the step, or within the pipeline when `stepId` is absent. */
export interface Finding {
  code: string
  message: string
  stepId?: string
  field?: string
  params?: Record<string, string>
  warning?: boolean
}

export type Report = (finding: Finding) => void
