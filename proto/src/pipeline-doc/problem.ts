// Owns the making of problems found while the shared document is read.

import { type Problem, ProblemSchema, type Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'

export function problem(
  severity: Severity,
  code: string,
  message: string,
  about: { stepId?: string; field?: string; params?: Record<string, string> } = {},
): Problem {
  return create(ProblemSchema, { severity, code, message, ...about })
}
