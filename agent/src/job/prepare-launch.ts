// Owns everything between "start" and a process: environment, the step's own files, the wrapper's file.
import { lchownSync } from 'node:fs'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import type { Config } from '../config.ts'
import { programOn } from '../host.ts'
import { type StepFile, stepFileNames } from '../process/step-files.ts'
import { startAs } from '../process/step-user.ts'
import { isSettable, startFile } from '../process/wrapper.ts'
import type { StepContext } from '../steps/step-kind.ts'
import { stepEnvironment } from './environment.ts'

export interface CommandContext extends StepContext {
  /** The host's own environment for steps, before the pipeline has added to it. */
  base: Readonly<Config['base']>
  /** Hands a folder that was made in the workspace to whom steps run as. */
  give: (path: string) => void
  /** Changed in place by kinds that need more, or less. */
  env: Map<string, string>
}

export interface StepCommand {
  argv: string[]
  /** Where it runs. */
  workingDirectory: string
  /** Its environment, when it is not the step itself but what starts that: the agent's own user runs it. */
  outside?: ReadonlyMap<string, string>
}

/** After this the wrapper can run. `commandOf` writes the files that the process reads, and throws a sentence when it cannot be run. */
export function prepareLaunch(context: StepContext, commandOf: (context: CommandContext) => StepCommand): void {
  const { folder, workspace, secrets, host, say } = context
  const { base, stepUser } = host.config
  const places = { workspace, tmp: folder.temp, file: (name: StepFile) => folder.stepFile(name) }
  const env = stepEnvironment(base, folder.spec, folder.ref, secrets, places)
  const give = (path: string) => stepUser && lchownSync(path, stepUser.uid, stepUser.gid)
  const command = commandOf({ ...context, base, env, give })
  checkSize(env)
  const { argv, workingDirectory, outside } = command
  const stands = outside ? [] : standing(folder.spec, base.PATH)
  const start = startFile(outside ?? env, workingDirectory, [...stands, ...argv])
  if (stepUser) {
    const own = outside ? '' : folder.writeForStep('start', start)
    // Once a step may have begun, what is there could be a link that it has made.
    if (folder.claimedBy === 'nobody') {
      for (const name of stepFileNames) folder.writeForStep(name, '')
      folder.giveTo(stepUser)
      give(folder.temp)
    }
    folder.write('start', outside ? start : startAs(stepUser, own))
  } else folder.write('start', start)
  for (const name of env.keys())
    if (!isSettable(name)) say(`${JSON.stringify(name)} cannot be set in an environment; it was left out.`)
}

/** What comes before a step's program for the sake of its umask and its niceness. */
function standing({ umask, nice }: JobSpec, path: string): string[] {
  const program = nice > 0 ? programOn(path, 'nice') : undefined
  if (nice > 0 && !program) throw new Error('The program nice is not installed on this host.')
  const nicely = program ? [program, '-n', String(nice)] : []
  if (umask === '') return nicely
  if (!/^[0-7]{3,4}$/.test(umask)) throw new Error(`The umask ${JSON.stringify(umask)} is none.`)
  const sh = programOn(path, 'sh')
  if (!sh) throw new Error('The shell sh is not installed on this host.')
  return [sh, '-c', `umask ${umask} && exec "$@"`, sh, ...nicely]
}

/** What the system would refuse without a word about which entry it was. */
function checkSize(env: ReadonlyMap<string, string>): void {
  let all = 0
  for (const [name, value] of env) {
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value)
    if (bytes > limits.environmentEntryBytes) {
      const most = `a process can have ${limits.environmentEntryBytes} of one; pass it in a file`
      throw new Error(`The variable ${name} has ${bytes} bytes in the environment, and ${most}.`)
    }
    // The pointer to it, and its end.
    all += bytes + 9
  }
  if (all > limits.environmentBytes)
    throw new Error(`The environment has ${all} bytes, and a process can have ${limits.environmentBytes}.`)
}
