// Whether something that has happened in a repository starts a run of a pipeline, and if not, why.

import type {
  CommentTrigger,
  PullRequestTrigger,
  PushTrigger,
  ReleaseTrigger,
  Triggers,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonObject } from '@bufbuild/protobuf'
import { actionsOf, releaseActionsOf } from '../fields/repository-triggers.ts'
import { matcher, textMatcher } from '../globs.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import { skipText } from './skip-texts.ts'

export const repositoryEventKinds = ['push', 'tag', 'pull_request', 'comment', 'release'] as const
/** As `git.event` and `run.trigger` say it. */
export type RepositoryEventKind = (typeof repositoryEventKinds)[number]

/** What has happened; what does not apply is left out. Names of branches and tags stand without refs/heads/ and refs/tags/. */
export interface RepositoryEvent {
  kind: RepositoryEventKind
  /** "acme/shop". */
  repository: string
  /**
   * Of a push and a tag: created, updated, deleted. Of a pull request: opened, updated, reopened, ready, labeled, unlabeled, edited,
   * closed, merged. Of a release: published, created, edited, deleted.
   */
  action?: string
  branch?: string
  tag?: string
  /** Of a pull request: where it is to be merged into. */
  baseBranch?: string
  labels?: readonly string[]
  draft?: boolean
  /** Of the last commit; left out: not known. */
  message?: string
  /** Of a comment, as `commandsOf` finds them. */
  commands?: readonly string[]
  /** Left out: not known. */
  changed?: ChangedFiles
}

export interface ChangedFiles {
  /** From the root of the repository. */
  paths: readonly string[]
  /** There are no others. */
  complete: boolean
}

/** `inputs`: as the trigger writes them, for `givenInputs` with `git` of the run. */
export type Triggered = { starts: true; inputs: JsonObject } | { starts: false; why: Said }

/**
 * `ownRepository`: of a pipeline whose file is kept in one; empty: whichever. Files that are not known, or not all of them, are taken
 * for ones that match. `why` is the first that stands against it.
 */
export function triggeredBy(
  triggers: Triggers | undefined,
  event: RepositoryEvent,
  { ownRepository = '' }: { ownRepository?: string } = {},
): Triggered {
  const trigger = triggers && triggerFor(triggers, event)
  if (!trigger) return no(absent(triggers?.comments ?? [], event))
  const why = repositoryGate(trigger.repositories, event.repository, ownRepository) ?? gatesOf(trigger, event)
  return why ? no(why) : { starts: true, inputs: trigger.inputs ?? {} }
}

/** The commands of a comment's text: of each line that begins with /ansflow the word behind it, in small letters; at most 20. */
export function commandsOf(body: string): string[] {
  const found = body.slice(0, longestComment).matchAll(/^[ \t]*\/ansflow[ \t]+([A-Za-z0-9][\w-]{0,63})(?=[ \t\r]|$)/gim)
  return [...new Set([...found].map(([, command]) => command!.toLowerCase()))].slice(0, 20)
}

const longestComment = 65_536

type AnyTrigger = PushTrigger | PullRequestTrigger | CommentTrigger | ReleaseTrigger

function triggerFor(triggers: Triggers, { kind, commands = [] }: RepositoryEvent): AnyTrigger | undefined {
  switch (kind) {
    case 'push':
    case 'tag':
      return triggers.push
    case 'pull_request':
      return triggers.pullRequest
    case 'release':
      return triggers.release
    case 'comment':
      return triggers.comments.find(({ command }) => commands.includes(command))
  }
}

function gatesOf(trigger: AnyTrigger, event: RepositoryEvent): Said | undefined {
  switch (trigger.$typeName) {
    case 'ansflow.v1.PushTrigger':
      return pushGate(trigger, event)
    case 'ansflow.v1.PullRequestTrigger':
      return pullRequestGate(trigger, event)
    case 'ansflow.v1.CommentTrigger':
      return undefined
    case 'ansflow.v1.ReleaseTrigger':
      return releaseGate(trigger, event)
  }
}

function repositoryGate(wanted: readonly string[], repository: string, own: string): Said | undefined {
  if (wanted.length === 0) {
    if (own === '' || own === repository) return undefined
    return say('gate_repository', { repository: shown(repository), wanted: shown(own) })
  }
  const takes = matcher(wanted)
  if (takes(repository) || takes(repository.slice(repository.lastIndexOf('/') + 1))) return undefined
  return say('gate_repository', { repository: shown(repository), wanted: list(wanted) })
}

function pushGate({ branches, tags, paths, messages }: PushTrigger, event: RepositoryEvent): Said | undefined {
  const { kind, branch = '', tag = '', action, message } = event
  if (kind === 'tag') {
    if (tags.length === 0) return say('gate_tags_none', { tag: shown(tag) })
    if (!matcher(tags)(tag)) return say('gate_tag', { tag: shown(tag), wanted: list(tags) })
  } else {
    if (branches.length === 0 && tags.length > 0) return say('gate_branches_none', { branch: shown(branch) })
    if (branches.length > 0 && !matcher(branches)(branch)) {
      return say('gate_branch', { branch: shown(branch), wanted: list(branches) })
    }
  }
  if (action === 'deleted') return say('gate_deleted', { name: shown(tag || branch) })
  // A release's own commit often says it, and its tag is there to run for.
  const skip = kind === 'tag' ? undefined : skipText(message ?? '')
  if (skip !== undefined) return say('gate_skip', { text: skip })
  if (messages.length > 0 && message !== undefined && !textMatcher(messages)(message)) {
    return say('gate_message', { message: shortText(message.split('\n', 1)[0]!), wanted: list(messages) })
  }
  return kind === 'tag' ? undefined : pathGate(paths, event)
}

function pullRequestGate(trigger: PullRequestTrigger, event: RepositoryEvent): Said | undefined {
  const { branches, labels: wanted, drafts, paths } = trigger
  const { action = '', baseBranch = '', labels = [], draft = false, message = '' } = event
  const actions = actionsOf(trigger)
  if (!actions.includes(action)) return say('gate_action', { action, wanted: actions.join(', ') })
  if (branches.length > 0 && !matcher(branches)(baseBranch)) {
    return say('gate_base', { branch: shown(baseBranch), wanted: list(branches) })
  }
  if (draft && !drafts) return say('gate_draft')
  if (wanted.length > 0 && !labels.some(matcher(wanted))) {
    return say('gate_labels', { ...(labels.length > 0 && { labels: list(labels) }), wanted: list(wanted) })
  }
  // What comes when it has ended is about the pull request, not about its last commit.
  const skip = action === 'closed' || action === 'merged' ? undefined : skipText(message)
  if (skip !== undefined) return say('gate_skip', { text: skip })
  return pathGate(paths, event)
}

function absent(comments: readonly CommentTrigger[], { kind, commands = [] }: RepositoryEvent): Said {
  if (kind !== 'comment' || comments.length === 0) return say('gate_none', { event: kind })
  const wanted = list(comments.map(({ command }) => command))
  return say('gate_command', { ...(commands.length > 0 && { commands: list(commands) }), wanted })
}

function releaseGate(trigger: ReleaseTrigger, { action = '', tag = '' }: RepositoryEvent): Said | undefined {
  const actions = releaseActionsOf(trigger)
  if (!actions.includes(action)) return say('gate_action', { action, wanted: actions.join(', ') })
  if (trigger.tags.length === 0 || matcher(trigger.tags)(tag)) return undefined
  return say('gate_tag', { tag: shown(tag), wanted: list(trigger.tags) })
}

function pathGate(wanted: readonly string[], { changed }: RepositoryEvent): Said | undefined {
  if (wanted.length === 0 || !changed?.complete || changed.paths.some(matcher(wanted))) return undefined
  const { paths } = changed
  const files = paths.length > 0 ? { files: list(paths, 3) } : {}
  return say('gate_paths', { ...files, count: paths.length, wanted: list(wanted) })
}

function no(why: Said): Triggered {
  return { starts: false, why }
}

function shown(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name
}

function list(names: readonly string[], most = 8): string {
  const some = names.slice(0, most).map(shown)
  return (names.length > most ? [...some, '…'] : some).join(', ')
}
