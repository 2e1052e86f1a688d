// What the picker of a trigger's repositories offers: those of the project, and what the file names besides.
import { globProblem, matcher } from '@ansflow/proto/globs'

export interface RepositoryOption {
  value: string
  /** A pattern or a name that none of the project's repositories has. */
  unknown: boolean
}

/** `names`: "acme/shop" of each of the project; undefined until they are known. Patterns may also be of the last part of a name. */
export function repositoryOptions(
  chosen: readonly string[],
  names: readonly string[] | undefined,
): readonly RepositoryOption[] {
  const isHere = (pattern: string) => {
    if (names === undefined || globProblem(pattern) !== undefined) return true
    const fits = matcher([pattern.replace(/^!/, '')])
    return names.some((name) => fits(name) || fits(name.slice(name.lastIndexOf('/') + 1)))
  }
  const others = chosen.filter((value) => !names?.includes(value))
  return [
    ...(names ?? []).map((value) => ({ value, unknown: false })),
    ...others.map((value) => ({ value, unknown: !isHere(value) })),
  ]
}
