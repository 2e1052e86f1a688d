// Owns the execution kind "shell": a script in sh, bash or PowerShell, read from a file.
import { basename, resolve } from 'node:path'
import { programOn } from '../host.ts'
import { JobProcess } from '../job/job-process.ts'
import type { JobFolder } from '../job/journal.ts'
import type { CommandContext, StepCommand } from '../job/prepare-launch.ts'
import { within } from '../job/workspace.ts'
import type { ExecutionOf, StepKind } from './step-kind.ts'

interface Shell {
  /** Absent: its name. */
  program?: string
  file: string
  args: (script: string) => string[]
  text: (script: string) => string
}

const withoutReturns = (script: string) => script.replaceAll('\r\n', '\n')

const shells: Record<string, Shell> = {
  sh: { file: 'script', args: (script) => ['-e', script], text: withoutReturns },
  bash: {
    file: 'script',
    args: (script) => ['--noprofile', '--norc', '-e', '-o', 'pipefail', script],
    text: withoutReturns,
  },
  pwsh: {
    file: 'script.ps1',
    args: (script) => ['-NoLogo', '-NoProfile', '-NonInteractive', '-File', script],
    // Like -e: stop at the first error, and end with the last program's exit code.
    text: (script) =>
      `$ErrorActionPreference = 'stop'\n${script}\nif (Test-Path -LiteralPath variable:LASTEXITCODE) { exit $LASTEXITCODE }\n`,
  },
}

/** Any other program, with arguments of the author's: none of them is read by a shell. */
function interpreter(command: string): Shell {
  const [program = '', ...args] = command.split(' ').filter(Boolean)
  const hasPlace = args.some((arg) => arg.includes('{0}'))
  const file = basename(program).toLowerCase() === 'powershell' ? 'script.ps1' : 'script'
  return {
    program,
    file,
    args: (script) => (hasPlace ? args.map((arg) => arg.replaceAll('{0}', script)) : [...args, script]),
    text: withoutReturns,
  }
}

const pathRemedy =
  "It takes the place of the host's and is not expanded; to add to it, write export PATH=… at the beginning of the script."

export const shell: StepKind<'shell'> = {
  outputs: [],
  main: (execution, folder) => new JobProcess(folder, (context) => command(execution, context)),
}

type Script = ExecutionOf<'shell'>

/** Writes the script; answers what runs it, and its file. */
export function scriptOf(
  { shell: written, script }: Script,
  folder: JobFolder,
): { program: string; args: Shell['args']; file: string } {
  const given = written.trim() || 'sh'
  const kind = Object.hasOwn(shells, given) ? shells[given]! : interpreter(given)
  return { program: kind.program ?? given, args: kind.args, file: folder.writeForStep(kind.file, kind.text(script)) }
}

/** Where it runs. Throws a sentence when that is not there. */
export function folderOf({ workingDirectory }: Script, workspace: string): string {
  if (!workingDirectory) return workspace
  try {
    return within(workspace, workingDirectory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(`The folder ${JSON.stringify(workingDirectory)} does not exist in the workspace.`)
  }
}

function command(execution: Script, { folder, workspace, base, env }: CommandContext): StepCommand {
  const { program: name, args, file } = scriptOf(execution, folder)
  const path = env.get('PATH') ?? ''
  // One that names its folder is looked for there, from the workspace on.
  const program = name.includes('/') ? resolve(workspace, name) : programOn(path, name)
  if (!program && programOn(base.PATH, name)) {
    throw new Error(
      `The shell ${name} is on this host, but not in the PATH that env gives this step: ${JSON.stringify(path)}. ${pathRemedy}`,
    )
  }
  if (!program) throw new Error(`The shell ${name} is not installed on this host.`)
  return { argv: [program, ...args(file)], workingDirectory: folderOf(execution, workspace) }
}
