// Owns the command line of a job's container, and the file from which its script gets its environment: nothing of the step's own
// is in an argument, or in what the runtime keeps of the container.
import { delimiter } from 'node:path'
import type { ContainerExecution } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { markerEntry } from '../job/environment.ts'
import type { CommandContext, StepCommand } from '../job/prepare-launch.ts'
import { type StepFile, stepFileNames } from '../process/step-files.ts'
import { quoted, startFile } from '../process/wrapper.ts'
import { folderOf, scriptOf } from '../steps/shell.ts'
import type { StepHost } from '../steps/step-kind.ts'
import { type ContainerNote, containerName } from './container-note.ts'
import { AGENT_LABEL } from './containers.ts'

/** What of the host's environment is true in a container too: how the network is reached, language, time. */
const TRAVELS = /^((https?|ftp|all|no)_proxy|(HTTPS?|FTP|ALL|NO)_PROXY|LANG|LANGUAGE|LC_[A-Z]+|TZ)$/

/**
 * The container's first program. Its output is one stream, as without a container, so that lines stay in their order. The file
 * holds secrets and is emptied once it is read; after it the only words are numbered, since it may set any name.
 */
const BEGIN = `exec 2>&1
umask "$2"
. "$1"
: >"$ansflow_start"
cd "$1" || exit 125
shift
command -v "$1" >/dev/null 2>&1 || { echo "[ansflow] There is no $1 in the image, which the script needs."; exit 127; }
exec "$@"
`

/** The file "inside" is the step's own, like its script. */
const STEP_FILES: readonly (StepFile | 'inside')[] = [...stepFileNames, 'inside']

export function containerCommand(
  { script }: ContainerExecution,
  note: ContainerNote,
  context: CommandContext,
): StepCommand {
  const { folder, workspace, env, host } = context
  const { program, file, args } = scriptOf(script!, folder)
  const directory = folderOf(script!, workspace)
  const added = furnish(context)
  const nice = folder.spec.nice > 0 ? ['nice', '-n', String(folder.spec.nice)] : []
  const inside = folder.stepFile('inside')
  const start = startFile(env, directory, [...nice, program, ...args(file)])
  folder.writeForStep('inside', `${start}${added}ansflow_start=${quoted(inside)}\n`)
  // Whatever a step with a user of its own makes of its files, their folder is where it is.
  const files = host.config.stepUser ? [folder.stepFile()] : [...STEP_FILES.map((name) => folder.stepFile(name)), file]
  const { runtime, image } = note
  const argv = [
    ...[runtime.program, 'run', '--name', containerName(folder), '--init', '--log-driver', 'none'],
    ...['--label', `${AGENT_LABEL}=${host.place}`],
    ...userOf(host),
    ...memoryOf(host),
    // Files of the host that are mounted as they are: no label is changed for it.
    ...['--security-opt', 'label=disable'],
    ...[workspace, ...files].flatMap((path) => ['--mount', mount(path)]),
    ...['--entrypoint', '/bin/sh', image.id, '-c', BEGIN, 'ansflow-step', inside, folder.spec.umask || '022'],
  ]
  const [name = '', value = ''] = markerEntry(folder.ref).split('=')
  return { argv, workingDirectory: '/', outside: new Map([...Object.entries(runtime.env), [name, value]]) }
}

/** Makes the environment that of a container; answers the line that adds to its PATH. */
function furnish({ base, env, folder, secrets, host }: CommandContext): string {
  const { spec } = folder
  const own = new Set([...spec.env, ...secrets.filter((secret) => secret.env)].map(({ name }) => name))
  for (const name of Object.keys(base)) if (!own.has(name) && !TRAVELS.test(name)) env.delete(name)
  // Its own: it goes with the container.
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) env.set(name, '/tmp')
  // The image knows no such user, so nothing there is at home.
  if (host.config.stepUser && !own.has('HOME')) env.set('HOME', '/tmp')
  if (own.has('PATH') || spec.path.length === 0) return ''
  return `export PATH=${quoted(spec.path.join(delimiter))}:"$PATH"\n`
}

/**
 * Root, whatever the image says, since the workspace is somebody else's; what it leaves there is handed back. Where steps
 * have a user of their own it is that one, and nothing in the image makes it more.
 */
function userOf({ config: { stepUser } }: StepHost): string[] {
  if (!stepUser) return ['--user', '0:0']
  return ['--user', `${stepUser.uid}:${stepUser.gid}`, '--security-opt', 'no-new-privileges']
}

function memoryOf({ config: { containers } }: StepHost): string[] {
  const limit = `${containers.memoryMib}m`
  return containers.memoryMib > 0 ? ['--memory', limit, '--memory-swap', limit] : []
}

/** One path, there as here. The runtimes read it as a line of CSV. */
export function mount(path: string): string {
  return ['type=bind', `source=${path}`, `target=${path}`]
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',')
}
