// Owns the folders that steps work in: where each is, that nothing leads out of it, and when it goes.
import { existsSync, lchownSync, mkdirSync, realpathSync, statfsSync, statSync, utimesSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { textOf } from '../log.ts'
import type { StepUser } from '../process/step-user.ts'
import { removeTree } from './remove-tree.ts'

/** Below this much free space, workspaces unused for an hour go too. */
const LOW_DISK_BYTES = 1024 * 1024 * 1024
const HOUR_MS = 3_600_000
/** So often is enough, for what is swept after hours. */
const TOUCH_MS = 60_000

export interface Swept {
  removed: string[]
  /** Told once for each. */
  problems: { path: string; error: string }[]
}

export interface WorkspaceJob {
  jobId: string
  spec: Pick<JobSpec, 'runId' | 'workspace' | 'workspaceRunId'>
}

/** What steps of an earlier run have left was removed meanwhile. */
export class WorkspaceGone extends Error {
  override readonly name = 'WorkspaceGone'
}

/** The run whose folders it works in. */
export function folderRun({ runId, workspaceRunId }: WorkspaceJob['spec']): string {
  return workspaceRunId || runId
}

export interface Workspaces {
  /** Makes the folder if need be. Steps of a run that name the same workspace share it. That of an earlier run must be there: throws a WorkspaceGone. */
  open(job: WorkspaceJob): string
  /** Removes it if it was the job's own; marks the run's as used now. */
  close(job: WorkspaceJob): Promise<void>
  /** Removes what was not used for long, of runs that have no job here. What cannot be removed is gone round. */
  sweep(busyRuns: ReadonlySet<string>, maxAgeMs: number): Promise<Swept>
}

export function createWorkspaces(root: string, user?: StepUser): Workspaces {
  const told = new Set<string>()
  /** When each was marked as used last, by the steady clock. */
  const touched = new Map<string, number>()
  const runFolder = (runId: string) => join(root, folderName(runId))
  const place = ({ spec, jobId }: WorkspaceJob) => {
    const name = spec.workspace || 'shared'
    // "@" is in no encoded name, so a job's own folder meets no shared one.
    return join(runFolder(folderRun(spec)), name === 'isolated' ? `@${folderName(jobId)}` : folderName(name))
  }
  function touch(runId: string): void {
    const [now, path] = [performance.now(), runFolder(runId)]
    if (now - (touched.get(path) ?? Number.NEGATIVE_INFINITY) < TOUCH_MS) return
    try {
      const time = new Date()
      utimesSync(path, time, time)
      touched.set(path, now)
    } catch {
      // Swept in the meantime; the next job makes it anew.
    }
  }
  return {
    open(job) {
      const path = place(job)
      if (job.spec.workspaceRunId && !existsSync(path)) {
        throw new WorkspaceGone(
          `The workspace ${JSON.stringify(job.spec.workspace)} of the earlier run is not here any more.`,
        )
      }
      const isNew = mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined
      if (isNew && user) lchownSync(path, user.uid, user.gid)
      touch(folderRun(job.spec))
      return realpathSync.native(path)
    },
    async close(job) {
      touch(folderRun(job.spec))
      if (job.spec.workspace === 'isolated') await removeTree(place(job))
    },
    async sweep(busyRuns, maxAgeMs) {
      const busy = new Set([...busyRuns].map(folderName))
      const disk = statfsSync(root)
      const low = disk.bavail * disk.bsize < LOW_DISK_BYTES
      const oldest = Date.now() - (low ? Math.min(maxAgeMs, HOUR_MS) : maxAgeMs)
      const swept: Swept = { removed: [], problems: [] }
      for (const name of await readdir(root)) {
        const path = join(root, name)
        if (busy.has(name) || (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY) > oldest)
          continue
        try {
          touched.delete(path)
          await removeTree(path)
          swept.removed.push(name)
        } catch (error) {
          if (!told.has(name)) swept.problems.push({ path, error: textOf(error) })
          told.add(name)
        }
      }
      return swept
    },
  }
}

/** A text as one folder name: what is not plain is percent-encoded, so that different texts stay different. */
export function folderName(text: string): string {
  const plain = encodeURIComponent(text.toWellFormed()).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return /^\.+$/.test(plain) ? plain.replaceAll('.', '%2e') : plain.slice(0, 200)
}

/** The folder within the workspace that `path` names. Throws a sentence when it is outside, also by symbolic links. */
export function within(workspace: string, path: string): string {
  if (isAbsolute(path)) throw new Error(`The folder ${JSON.stringify(path)} must be relative to the workspace.`)
  const wanted = resolve(workspace, path)
  if (isOutside(workspace, wanted)) throw new Error(`The folder ${JSON.stringify(path)} is outside the workspace.`)
  const real = realpathSync(wanted)
  if (isOutside(workspace, real)) throw new Error(`The folder ${JSON.stringify(path)} leads out of the workspace.`)
  return real
}

/** Like `within`, for a folder that may not exist yet. */
export function madeWithin(workspace: string, path: string, give: (made: string) => void): string {
  if (isAbsolute(path)) throw new Error(`The folder ${JSON.stringify(path)} must be relative to the workspace.`)
  let folder = workspace
  for (const part of relative(workspace, resolve(workspace, path)).split(sep).filter(Boolean)) {
    if (part === '..') throw new Error(`The folder ${JSON.stringify(path)} is outside the workspace.`)
    if (mkdirSync(join(folder, part), { recursive: true }) !== undefined) give(join(folder, part))
    // Each part is resolved before the next is made: a link never makes a folder elsewhere.
    folder = within(workspace, relative(workspace, join(folder, part)))
  }
  return folder
}

function isOutside(workspace: string, path: string): boolean {
  return path !== workspace && !path.startsWith(workspace + sep)
}
