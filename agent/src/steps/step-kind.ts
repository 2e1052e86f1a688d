// Owns the shape of an execution kind: how a job's spec becomes one process.
import type { JobSpec, SecretValue } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Config } from '../config.ts'
import type { JobFolder } from '../job/journal.ts'

export interface StepContext {
  folder: JobFolder
  /** Real path of the workspace. */
  workspace: string
  secrets: readonly SecretValue[]
  /** The host's own environment for steps, before the pipeline has added to it. */
  base: Readonly<Config['base']>
  /** Hands a folder that was made in the workspace to whom steps run as. */
  give: (path: string) => void
  /** Changed in place by kinds that need more, or less. */
  env: Map<string, string>
}

export interface StepCommand {
  argv: string[]
  /** Where it runs. */
  workingDirectory: string
}

export type ExecutionCase = NonNullable<JobSpec['execution']['case']>
export type ExecutionOf<K extends ExecutionCase> = Extract<JobSpec['execution'], { case: K }>['value']

export interface StepKind<K extends ExecutionCase> {
  /** Outputs that the kind itself makes, besides those a step declares. */
  outputs: readonly string[]
  /** Writes the files that the process reads. Throws a sentence when the spec cannot be run; the job fails with it. */
  prepare(execution: ExecutionOf<K>, context: StepContext): StepCommand
}
