// Owns the making of problems found while the shared document is read.

import { type Problem, ProblemSchema, type Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { problemOfSaid } from '../problem-text.ts'
import type { Said } from '../texts/say.ts'

/** `params` are for programs, beside those of the sentence. */
export function problem(
  severity: Severity,
  said: Said,
  about: { stepId?: string; field?: string; params?: Record<string, string> } = {},
): Problem {
  const { params, ...rest } = problemOfSaid(said)
  return create(ProblemSchema, { severity, ...rest, ...about, params: { ...params, ...about.params } })
}
