// Owns everything between "start" and the process: workspace, environment, the step's own files, the wrapper's file.
import { lchownSync } from 'node:fs'
import type { SecretValue } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import type { Config } from '../config.ts'
import { textOf } from '../log.ts'
import { startAs } from '../process/step-user.ts'
import { isSettable, startFile } from '../process/wrapper.ts'
import { prepareStep } from '../steps/index.ts'
import type { StepCommand } from '../steps/step-kind.ts'
import { stepEnvironment } from './environment.ts'
import type { JobFolder } from './journal.ts'
import { type Ending, impossible } from './outcome.ts'
import type { Workspaces } from './workspace.ts'

/** The step cannot be run as it is written; another agent could not either. */
export class Unrunnable extends Error {
  readonly ending: Ending
  constructor(reason: string) {
    super(reason)
    this.name = 'Unrunnable'
    this.ending = impossible(reason)
  }
}

export function tooManySecrets(): Unrunnable {
  return new Unrunnable(`Its secrets have more than ${limits.maskBytes} bytes together; they could not be masked.`)
}

/** What a launch needs of the host. */
export interface LaunchHost {
  config: Config
  workspaces: Workspaces
}

/** All that does not depend on the start: done while the accept is on its way. Answers the workspace. */
export function prepareFolders(folder: JobFolder, { workspaces }: LaunchHost): string {
  folder.prepare()
  return workspaces.open(folder.spec.runId, folder.spec.workspace, folder.ref.jobId)
}

/** After this the wrapper can run. Answers lines for the log. */
export function prepareLaunch(
  folder: JobFolder,
  workspace: string,
  secrets: readonly SecretValue[],
  { config }: LaunchHost,
): string[] {
  const { ref, spec } = folder
  const places = { workspace, output: folder.stepFile('output'), tmp: folder.temp }
  const env = stepEnvironment(config.base, spec, ref, secrets, places)
  const { stepUser } = config
  const give = (path: string) => stepUser && lchownSync(path, stepUser.uid, stepUser.gid)
  let command: StepCommand
  try {
    command = prepareStep(spec, { folder, workspace, secrets, base: config.base, env, give })
  } catch (error) {
    // A system error (disk full) is the agent's; everything else is a sentence about the spec.
    if ((error as NodeJS.ErrnoException).syscall) throw error
    throw new Unrunnable(textOf(error))
  }
  checkSize(env)
  const start = startFile(env, command.workingDirectory, command.argv)
  if (stepUser) {
    const own = folder.writeForStep('start', start)
    // Once a step may have begun, what is there could be a link that it has made.
    if (folder.claimedBy === 'nobody') {
      folder.writeForStep('output', '')
      folder.giveTo(stepUser)
      give(folder.temp)
    }
    folder.write('start', startAs(stepUser, own))
  } else folder.write('start', start)
  return [...env.keys()]
    .filter((name) => !isSettable(name))
    .map((name) => `${JSON.stringify(name)} cannot be set in an environment; it was left out.`)
}

/** What the system would refuse without a word about which entry it was. */
function checkSize(env: ReadonlyMap<string, string>): void {
  let all = 0
  for (const [name, value] of env) {
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value)
    if (bytes > limits.environmentEntryBytes) {
      const most = `a process can have ${limits.environmentEntryBytes} of one; pass it in a file`
      throw new Unrunnable(`The variable ${name} has ${bytes} bytes in the environment, and ${most}.`)
    }
    // The pointer to it, and its end.
    all += bytes + 9
  }
  if (all > limits.environmentBytes)
    throw new Unrunnable(`The environment has ${all} bytes, and a process can have ${limits.environmentBytes}.`)
}
