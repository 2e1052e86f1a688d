import { PullRequestAction, type Triggers, TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { repositoryTriggerRows } from './repository-trigger-rows.ts'

const of = (said: MessageInitShape<typeof TriggersSchema>): Triggers => create(TriggersSchema, said)

test('each way to start says what it asks for and nothing else', () => {
  const rows = repositoryTriggerRows(
    of({
      push: { branches: ['main', '!old'], paths: ['src/**'], inputs: { channel: 'beta', times: 2 } },
      pullRequest: { branches: ['main'], labels: ['ci'], types: [PullRequestAction.MERGED], drafts: true },
      comments: [{ command: 'test', repositories: ['acme/*'] }, { command: 'deploy' }],
      release: {},
    }),
  )
  expect(rows).toEqual([
    {
      kind: 'push',
      command: '',
      actions: [],
      facts: [
        { list: 'branches', patterns: ['main', '!old'] },
        { list: 'paths', patterns: ['src/**'] },
      ],
      drafts: false,
      repositories: [],
      inputs: ['channel=beta', 'times=2'],
    },
    {
      kind: 'pullRequest',
      command: '',
      actions: ['merged'],
      facts: [
        { list: 'base', patterns: ['main'] },
        { list: 'labels', patterns: ['ci'] },
      ],
      drafts: true,
      repositories: [],
      inputs: [],
    },
    { kind: 'comment', command: 'test', actions: [], facts: [], drafts: false, repositories: ['acme/*'], inputs: [] },
    { kind: 'comment', command: 'deploy', actions: [], facts: [], drafts: false, repositories: [], inputs: [] },
    { kind: 'release', command: '', actions: ['published'], facts: [], drafts: false, repositories: [], inputs: [] },
  ])
})

test('a pipeline that nothing in a repository starts has none', () => {
  expect(repositoryTriggerRows(undefined)).toEqual([])
  expect(repositoryTriggerRows(of({ manual: false }))).toEqual([])
})
