// Owns what this agent knows of its host's container runtime as time goes by, and that no container outlives its job.
import type { Config } from '../config.ts'
import { type Log, textOf } from '../log.ts'
import { jobOfContainer } from './container-note.ts'
import { callRuntime, findRuntime, type Runtime, removeContainers } from './runtime.ts'

/** On every container: which data folder's agent has made it. */
export const AGENT_LABEL = 'ansflow.agent'

const SWEEP_MS = 30_000
/** One that is busy may be slow to answer. */
const MISSES = 2

export interface Containers {
  readonly runtime: Runtime | undefined
  /** Looks whether there is one. */
  look(): Promise<void>
  /** Removes the containers of jobs that are no more. */
  sweep(isKnown: (jobId: string) => boolean): Promise<void>
}

/** `place`: what tells this agent's containers from those of others on this host. `onChange`: there is one now, or none any more. */
export function createContainers(config: Config, place: string, log: Log, onChange: () => void): Containers {
  let runtime: Runtime | undefined
  let misses = 0
  return {
    get runtime() {
      return runtime
    },
    async look() {
      const found = await findRuntime(config.containers, config.base.PATH)
      misses = found ? 0 : misses + 1
      if (!found && misses < MISSES) return
      const had = runtime
      runtime = found
      if (Boolean(had) === Boolean(found)) return
      if (found) log.info('Steps can run in containers.', { runtime: found.kind, version: found.version })
      else log.warn('The container runtime does not answer any more: steps in containers go to other agents.')
      onChange()
    },
    async sweep(isKnown) {
      if (!runtime) return
      try {
        const filter = ['--filter', `label=${AGENT_LABEL}=${place}`]
        const told = await callRuntime(runtime, ['ps', '--all', ...filter, '--format', '{{.ID}} {{.Names}}'], {
          timeout: SWEEP_MS,
        })
        const all = told.split('\n').map((line) => line.split(' '))
        const ids = all.flatMap(([id, name = '']) => (id && !isKnown(jobOfContainer(name)) ? [id] : []))
        if (ids.length > 0) await removeContainers(runtime, ids, { timeout: SWEEP_MS })
      } catch (error) {
        log.warn('Containers that jobs have left cannot be removed.', { error: textOf(error) })
      }
    },
  }
}
