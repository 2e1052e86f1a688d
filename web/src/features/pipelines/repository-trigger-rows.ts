// What happens in repositories that starts a pipeline, as the triggers' page says it.
import { actionsOf, releaseActionsOf } from '@ansflow/proto/fields/repository-triggers'
import type { Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject } from '@bufbuild/protobuf'
import { givenTexts } from './given-texts.ts'

/** `list`: of `pipelines.repository.lists`. */
export interface TriggerFact {
  list: string
  patterns: readonly string[]
}

export interface RepositoryTriggerRow {
  kind: 'push' | 'pullRequest' | 'comment' | 'release'
  /** Of a comment. */
  command: string
  /** Words of `pipelines.repository.actions`. */
  actions: readonly string[]
  /** What it asks for; those that ask nothing are left out. */
  facts: readonly TriggerFact[]
  drafts: boolean
  /** Patterns; none: its own repository, or each of the project. */
  repositories: readonly string[]
  /** "name=value". */
  inputs: readonly string[]
}

const given = (inputs: JsonObject | undefined) =>
  Object.entries(givenTexts(inputs)).map(([name, value]) => `${name}=${value}`)
const asked = (lists: Record<string, readonly string[]>): TriggerFact[] =>
  Object.entries(lists).flatMap(([list, patterns]) => (patterns.length > 0 ? [{ list, patterns }] : []))

/** In the order of the form. */
export function repositoryTriggerRows(triggers: Triggers | undefined): RepositoryTriggerRow[] {
  const { push, pullRequest, release, comments = [] } = triggers ?? {}
  const plain = { command: '', actions: [], facts: [], drafts: false }
  const ends = ({ repositories, inputs }: { repositories: string[]; inputs?: JsonObject | undefined }) => ({
    repositories,
    inputs: given(inputs),
  })
  const rows: RepositoryTriggerRow[] = []
  if (push) {
    const { branches, tags, paths, messages } = push
    rows.push({ ...plain, kind: 'push', facts: asked({ branches, tags, paths, messages }), ...ends(push) })
  }
  if (pullRequest) {
    const { branches: base, paths, labels, drafts } = pullRequest
    const actions = actionsOf(pullRequest)
    rows.push({
      ...plain,
      kind: 'pullRequest',
      actions,
      facts: asked({ base, paths, labels }),
      drafts,
      ...ends(pullRequest),
    })
  }
  for (const comment of comments) rows.push({ ...plain, kind: 'comment', command: comment.command, ...ends(comment) })
  if (release) {
    const { tags } = release
    rows.push({
      ...plain,
      kind: 'release',
      actions: releaseActionsOf(release),
      facts: asked({ tags }),
      ...ends(release),
    })
  }
  return rows
}
