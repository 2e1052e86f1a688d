// Owns what a step finds in its environment: a clean base, the step's own entries, and the names that AnsFlow answers for. Pure.
import { delimiter } from 'node:path'
import type { EnvEntry, JobRef, JobSpec, SecretValue } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { HostVariable, RunVariable } from '@ansflow/proto/step-variables'
import { fileVariables, type StepFile } from '../process/step-files.ts'

/** Every process of a job carries it, however far it runs from its parent. */
export const MARKER = 'ANSFLOW_JOB_ID'

export function markerEntry(ref: JobRef): string {
  return `${MARKER}=${ref.jobId}.${ref.epoch}`
}

interface Places {
  workspace: string
  tmp: string
  file: (name: StepFile) => string
}

/** Later entries win: the host's, what is usual, the step's own, secrets, and last the names that AnsFlow answers for. */
export function stepEnvironment(
  base: Record<string, string>,
  spec: JobSpec,
  ref: JobRef,
  secrets: readonly SecretValue[],
  places: Places,
): Map<string, string> {
  const own: Record<HostVariable, string> & Partial<Record<RunVariable, string>> = {
    ANSFLOW: 'true',
    ANSFLOW_RUN_ID: spec.runId,
    ANSFLOW_ATTEMPT: String(spec.attempt),
    ANSFLOW_STEP_ID: spec.stepId,
    ANSFLOW_WORKSPACE: places.workspace,
    CI_WORKSPACE: places.workspace,
    ...fileVariables(places.file),
    TMPDIR: places.tmp,
    [MARKER]: `${ref.jobId}.${ref.epoch}`,
  }
  const entries: EnvPair[] = [
    ...Object.entries(base),
    ['CI', 'true'],
    // For programs that do not ask for TMPDIR first.
    ['TMP', places.tmp],
    ['TEMP', places.tmp],
    ...spec.env.map(toPair),
    ...secrets.filter((secret) => secret.env).map(toPair),
    ...Object.entries(own),
  ]
  const env = new Map(entries)
  if (spec.path.length > 0) env.set('PATH', [...spec.path, env.get('PATH')].filter(Boolean).join(delimiter))
  return env
}

type EnvPair = [string, string]

function toPair(entry: EnvEntry | SecretValue): EnvPair {
  return [entry.name, entry.value]
}
