// Every way in which runs start by themselves, once, as step-fields.ts has the fields of a step. `manual` is not among them: that
// it is absent means something.
import type { Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { comments } from './comment-triggers.ts'
import type { Kind } from './kind.ts'
import { refusal } from './kinds.ts'
import { pullRequest, push, release } from './repository-triggers.ts'
import { runTriggers } from './run-triggers.ts'
import { schedules } from './schedules.ts'
import { webhook } from './webhook.ts'

export interface TriggerField<M extends keyof Triggers = keyof Triggers> {
  /** Under `on` in the file; also its key in the document. */
  key: string
  /** In the message. */
  of: M
  kind: Kind<Triggers[M]>
  description: string
}

function field<M extends keyof Triggers>(entry: TriggerField<M>): TriggerField {
  return entry as unknown as TriggerField
}

export const triggerFields: readonly TriggerField[] = [
  field({
    key: 'push',
    of: 'push',
    kind: push,
    description: 'When a branch or a tag of a repository gets commits: branches, or { branches, tags, paths, … }.',
  }),
  field({
    key: 'pullRequest',
    of: 'pullRequest',
    kind: pullRequest,
    description: 'When something happens to a pull request (merge request).',
  }),
  field({
    key: 'comment',
    of: 'comments',
    kind: comments,
    description: 'When somebody who may writes a command, such as /ansflow test, below a pull request.',
  }),
  field({
    key: 'release',
    of: 'release',
    kind: release,
    description: 'When a release is published.',
  }),
  field({
    key: 'schedule',
    of: 'schedules',
    kind: schedules,
    description: 'At moments of the calendar: cron expressions with their time zones.',
  }),
  field({
    key: 'run',
    of: 'runs',
    kind: runTriggers,
    description: 'When runs of other pipelines have ended.',
  }),
  field({
    key: 'webhook',
    of: 'webhook',
    kind: webhook,
    description: 'When somebody posts JSON to the address of the pipeline, which is made in the console.',
  }),
  field({
    key: 'api',
    of: 'api',
    kind: refusal,
    description: 'False: versions are not started with API tokens.',
  }),
]
