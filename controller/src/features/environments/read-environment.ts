// What people say of an environment, read and checked.
import { type FieldViolation, invalid, violation } from '@ansflow/proto/errors'
import { environmentNameProblem, environmentUrlProblem } from '@ansflow/proto/fields/environment'
import { globProblem } from '@ansflow/proto/globs'
import { limits } from '@ansflow/proto/limits'
import { say } from '@ansflow/proto/texts/say'

export interface SaidEnvironment {
  name: string
  url: string
  branches: readonly string[]
  tags: readonly string[]
}

/** As it is stored. Throws `invalid_argument` with all that is wrong. */
export function readEnvironment({ name, url, branches, tags }: SaidEnvironment) {
  const violations: FieldViolation[] = []
  const written = name.trim()
  if (environmentNameProblem(written)) {
    violations.push(violation('name', say('environment_name', { most: limits.environmentName })))
  }
  if (environmentUrlProblem(url)) {
    violations.push(violation('url', say('environment_url', { most: limits.addressLength })))
  }
  const lists = { branches: [...branches], tags: [...tags] }
  for (const [field, globs] of Object.entries(lists)) {
    if (globs.length > limits.globs) violations.push({ field, message: `must be at most ${limits.globs}` })
    for (const [index, glob] of globs.entries()) {
      const said = globProblem(glob)
      if (said) violations.push(violation(`${field}.${index}`, said))
    }
  }
  if (violations.length > 0) throw invalid(violations)
  return { name: written, url, branches: JSON.stringify(lists.branches), tags: JSON.stringify(lists.tags) }
}
