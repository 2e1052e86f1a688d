// Runs that are for a commit of a connected repository: how they stand is told to its forge.
import type { RunState, StepState } from '@ansflow/engine/state'
import { reasonText } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import type { RunChange, RunParticipant } from '../runs/index.ts'
import { type StatusNews, tell } from './statuses.ts'

/** `committed`: something is to be told. */
export function statusParticipant(committed: () => void): RunParticipant {
  return {
    name: 'statuses',
    wants: ({ run, started, ended }) => (started || ended) && isOfCommit(run),
    async write(to, changes, now) {
      for (const change of changes) await tell(to.em(), newsOf(change, now))
    },
    committed,
  }
}

function isOfCommit({ meta }: RunState): boolean {
  const { repositoryId = '', commit = '' } = meta.origin.git ?? {}
  return repositoryId !== '' && commit !== ''
}

function newsOf({ run, ended }: RunChange, now: Date): StatusNews {
  const { runId, projectId, pipelineName, origin, number } = run.meta
  const { repositoryId = '', commit = '' } = origin.git ?? {}
  const belongs = { repositoryId, projectId, commit, name: pipelineName, runId, now }
  if (!ended) return { ...belongs, state: 'running', description: `#${number} has begun`, summary: '' }
  const failed = failedSteps(run)
  const seconds = Math.round((now.getTime() - run.createdAt.getTime()) / 1000)
  return {
    ...belongs,
    state: stateOf(run.status),
    description: `#${number} ${word(run.status)} after ${seconds} s${failed.length > 0 ? `: ${failed.map(({ name }) => name).join(', ')}` : ''}`,
    summary: failed
      .map(({ name, reason }) => `* **${plain(name)}**: ${plain(reason ? reasonText(reason) : '')}`)
      .join('\n'),
  }
}

const mostNamed = 20

function failedSteps({ steps }: RunState): StepState[] {
  const failed: StepState[] = []
  for (const step of steps.values()) {
    const isBad = step.status === StepStatus.FAILED || step.status === StepStatus.LOST
    if (isBad && !step.copies && failed.push(step) === mostNamed) break
  }
  return failed
}

function stateOf(status: RunStatus): StatusNews['state'] {
  if (status === RunStatus.SUCCEEDED || status === RunStatus.SKIPPED) return 'succeeded'
  return status === RunStatus.CANCELED ? 'canceled' : 'failed'
}

function word(status: RunStatus): string {
  return RunStatus[status].toLowerCase()
}

/** Without what Markdown would read as its own. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|~]/g, '\\$&').replace(/\s+/g, ' ')
}
