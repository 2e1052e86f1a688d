// Which kind of forge is which.
import { AppError } from '@ansflow/proto/errors'
import type { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Forge } from './forge.ts'
import { bitbucket } from './kinds/bitbucket/bitbucket.ts'
import { git } from './kinds/git/git.ts'
import { gitea } from './kinds/gitea/gitea.ts'
import { gitee } from './kinds/gitee/gitee.ts'
import { github } from './kinds/github/github.ts'
import { gitlab } from './kinds/gitlab/gitlab.ts'

export const forges: readonly Forge[] = [github, gitlab, gitea, bitbucket, gitee, git]

const byKind: ReadonlyMap<ForgeKind, Forge> = new Map(forges.map((forge) => [forge.kind, forge]))

/** Throws `AppError` invalid_argument for a kind that is none. */
export function forgeOf(kind: ForgeKind): Forge {
  const forge = byKind.get(kind)
  if (!forge) throw new AppError('invalid_argument', 'There is no such kind of forge.')
  return forge
}
