// Whether a run may deploy to what its step names: asked whenever an attempt begins.
import { matcher } from '@ansflow/proto/globs'
import { type Reason, reason } from '@ansflow/proto/reasons'
import type { RunState, StepState } from '../state.ts'
import { environmentNameOf, environmentOf } from '../values/job-context.ts'

const mostNamed = 8

/** Why not; undefined: it may, or it deploys nothing. Throws an ExpressionError. */
export function refusedDeployment(state: RunState, step: StepState): Reason | undefined {
  const name = environmentNameOf(state, step)
  if (name === '') return undefined
  const environment = environmentOf(state, step)
  if (!environment) {
    const known = state.meta.environments.map((each) => each.name).slice(0, mostNamed)
    return reason('environment_missing', { environment: name, ...(known.length > 0 && { known: known.join(', ') }) })
  }
  // What people have fetched themselves says nothing about what the run is for: only its origin does.
  const { branch = '', tag = '', pullRequest = 0, fork = false } = state.meta.origin.git ?? {}
  // Whoever wrote what it builds cannot write to the repository.
  const number = String(pullRequest)
  if (fork || state.meta.origin.untrusted) {
    return reason('environment_fork', { environment: name, ...(pullRequest > 0 && { number }) })
  }
  const { branches, tags } = environment
  if (branches.length + tags.length === 0) return undefined
  const allowed = [...branches, ...tags].slice(0, mostNamed).join(', ')
  // Its branch is not yet in what it is to be merged into, whatever it is called.
  if (pullRequest > 0) return reason('environment_pull', { environment: name, allowed, number })
  const isTold = branch !== '' || tag !== ''
  if (isTold && !state.meta.origin.verified) return reason('environment_unverified', { environment: name, allowed })
  const takes = tag !== '' ? matcher(tags)(tag) : branch !== '' && matcher(branches)(branch)
  if (takes) return undefined
  const ref = tag || branch
  return reason('environment_ref', { environment: name, allowed, ...(ref !== '' && { ref }) })
}
