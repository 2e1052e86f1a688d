// What is wrong with a draft, as it is answered.
import { type AppError, invalid } from '@ansflow/proto/errors'
import { type Problem, ProblemSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ValidatePipelineResponseSchema } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { create, fromBinary } from '@bufbuild/protobuf'

/** As they come from a worker. */
export function problemsFrom(bytes: Uint8Array): Problem[] {
  return fromBinary(ValidatePipelineResponseSchema, bytes).problems
}

export function nameProblem(name: string): Problem {
  return create(ProblemSchema, {
    severity: Severity.ERROR,
    code: 'name_taken',
    message: `The project has another pipeline named "${name}". Choose another name.`,
    field: 'name',
    params: { name },
  })
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === Severity.ERROR)
}

export function problemsAsViolations(problems: readonly Problem[]): AppError {
  const errors = problems.filter(({ severity }) => severity === Severity.ERROR)
  return invalid(
    errors.map(({ stepId, field, message }) => ({ field: [stepId, field].filter(Boolean).join('.'), message })),
    'pipeline_invalid',
  )
}
