// The step type of a step, and its parameters.
import type { StepDefinition, Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject } from '@bufbuild/protobuf'
import { paramOf, stepType, unknownStepType, validateParams } from '../steps/index.ts'
import { unnamedSecrets } from '../steps/secret-marks.ts'
import { say } from '../texts/say.ts'
import type { Report } from './finding.ts'

export function checkType(step: StepDefinition, report: Report, triggers?: Triggers): void {
  const at = { stepId: step.id }
  const type = stepType(step.uses)
  if (type === undefined) {
    const said = step.uses === '' ? say('no_step_type') : unknownStepType(step.uses)
    report({ ...at, field: 'uses', code: 'unknown_step_type', said })
    return
  }
  const problems = validateParams(type, (step.with ?? {}) as JsonObject)
  for (const { field, said } of problems) {
    report({ ...at, field: `with.${field}`, code: 'param', said })
  }
  const isOwn = type.id === 'fetch_code' && step.with?.['url'] === undefined
  // By another name, the address may be there all the same.
  if (isOwn && problems.length === 0 && !startsForRepository(triggers)) {
    const said = say('fetch_needs_repository', { param: 'url', type: type.id })
    report({ ...at, field: 'with.url', said, warning: true })
  }
  for (const [field, value] of Object.entries((step.with ?? {}) as JsonObject)) {
    if (!paramOf(type, field)?.['x-secrets']) continue
    for (const name of unnamedSecrets(value, step.secrets)) {
      const said = say('secret_not_named', { name, written: `\${${name}}` })
      report({ ...at, field: `with.${field}`, said, warning: true })
    }
  }
}

function startsForRepository(triggers: Triggers | undefined): boolean {
  const { push, pullRequest, release, comments = [] } = triggers ?? {}
  return push !== undefined || pullRequest !== undefined || release !== undefined || comments.length > 0
}
