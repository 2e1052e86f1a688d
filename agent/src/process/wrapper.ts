// Owns the shell text that runs a step: who is whose parent, where the output goes, and what is noted of it.
import { readOnlyVariables } from '@ansflow/proto/step-variables'
import { stepFileNames } from './step-files.ts'

/**
 * A small shell that owns a folder and runs the jobs that the folder becomes, one after the other, as it is told: an empty line when
 * the next may be got ready, and the job's id when there is one. Only ids come over the pipe; all text of users is in files of
 * the folder. It ends with the agent (its input closes), after the job that it runs.
 *
 *     helper ─┬─ run ── guard ── the step (a session of its own)
 *             └─ keep (cat: the step's output, a pipe, into raw)
 *
 * Of these only the step is made for a job, and waits for it before it is known; the others stay. So a job takes one fork, and two
 * programs: setsid and its own.
 *
 * - `job` is there before, with room for what is noted: the step's process and session and the reader of its output, by the step
 *   before it begins; the exit code, by `guard`. Each note is one short write, whole or not there even when the process is
 *   killed or the disk is full.
 * - `begun` is made exclusively, and says when (in the host's uptime): a job starts at most once however often it is asked for. The
 *   job is the one whose folder this is, whatever the folder has been before.
 * - `guard` is what a script sees as its parent and may end: that is an end of the step like any other, and noted by `run`.
 * - The exit code is noted when `keep` is blocked in its read again: it has written everything that was in the pipe, although
 *   a process that the step has left behind may keep the pipe open. Whoever uses the folder again makes sure that there is none.
 * - TERM is for the step, not for these shells; `keep` ignores all signals, since it ends with the last of its writers.
 */
export const HELPER = `
jobs=$1
[ -z "$2" ] || echo 0 >"$2/cgroup.procs"
umask 077
: >reader || exit
# A function, which no environment of a step replaces.
become() { exec "$@"; }
setsid=$(command -v setsid) && eval "become() { exec '$setsid' \\"\\$@\\"; }"
exec 6>&1

keep() {
  trap '' TERM INT HUP QUIT USR1 USR2
  for own in /proc/self/task/*; do own=\${own##*/}; done
  echo "$own" >reader
  exec cat >>raw
}

# False when "keep" has ended: the pipe is still open here, so it could not write.
drained() {
  tries=0
  [ -n "$reader" ] || read -r reader <reader
  while :; do
    place= state=
    read -r place <"/proc/$reader/wchan"
    case $place in *pipe*) return 0 ;; esac
    { read -r _; read -r _; read -r _ state _; } <"/proc/$reader/status"
    case $state in
      Z* | X* | '') return 1 ;;
      # Where the kernel does not tell in what it sleeps.
      S*) [ "$place" != 0 ] && [ -n "$place" ] || [ "$tries" -lt 3 ] || return 0 ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || sleep 0.01
  done
}

# False when there is nothing to note here: the step has not begun, or has taken the file away. Nor is anything noted once more.
note() {
  first= noted=
  { read -r first _; read -r noted; } <job
  [ "$first" = "$leader" ] || return
  [ -z "$noted" ] || return 0
  code=$1
  drained || code="$code unkept"
  { read -r _ <&8; printf '%-15s\\n' "$code" >&8; } 8<>job
}

# Becomes the step. What "start" sets may have any name, so after it only numbered words are used.
step() {
  [ -n "$line" ] || read -r line || exit 0
  # Whose keepers somebody has killed ends here, before the job has begun: another try starts it.
  [ -n "$line" ] && kill -0 "$leader" && kill -0 "$guard" && kill -0 "$reader" && [ . -ef "$jobs/$line" ] || exit
  for own in /proc/self/task/*; do own=\${own##*/}; done
  read -r uptime _ </proc/uptime
  set -C
  echo "$uptime" >begun || exit
  set +C
  printf '%-31s\\n%-15s\\n:%-14s\\n' "$leader $since $own" '' "$reader" 1<>job
  : ${stepFileNames.map((name) => `>>${name}`).join(' ')}
  exec </dev/null
  . ./start
  # Nobody needs it any more, and it holds secrets.
  : >start
  cd "$1" || exit 125
  shift
  umask 022
  exec >&9 2>&1 9>&-
  become "$@"
}

guard() {
  trap : TERM INT HUP QUIT USR1 USR2 PIPE
  for guard in /proc/self/task/*; do guard=\${guard##*/}; done
  tries=0
  until read -r reader <reader; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || exit
    [ "$tries" -lt 100 ] || sleep 0.01
  done
  echo ready >&6
  exec 6>&-
  while read -r line; do
    (step)
    # Otherwise it is told by the end of all of these.
    note "$?" && kill -0 "$leader" && kill -0 "$reader" || exit
  done
  exit 0
}

run() {
  exec 9>&1 >/dev/null
  read -r leader </proc/self/stat
  set -- \${leader##*) }
  leader=\${leader%% *} since=\${20:-0} reader=
  trap : TERM INT HUP QUIT USR1 USR2 PIPE
  (guard)
  code=$?
  [ "$code" = 0 ] || note "$code"
}

run | keep 6>&-
`

/** Gives disk blocks back as it is told, until it cannot: "job bytes". */
export const PUNCHER = `
while read -r job bytes; do
  case $job in '' | *[!A-Za-z0-9_-]*) continue ;; esac
  fallocate --punch-hole --offset 0 --length "$bytes" "$1/$job/raw" || exit
done
`

/** A word that a POSIX shell reads back as exactly this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Names that a shell refuses to set; a step cannot have them in its environment. */
const readOnly = new Set<string>(readOnlyVariables)

export function isSettable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !readOnly.has(name)
}

/** The file that the step's process reads: environment, folder, command line. The only place where user text meets a shell. */
export function startFile(env: ReadonlyMap<string, string>, folder: string, argv: readonly string[]): string {
  const lines = [...env].filter(([name]) => isSettable(name)).map(([name, value]) => `export ${name}=${quoted(value)}`)
  lines.push(`set -- ${[folder, ...argv].map(quoted).join(' ')}`)
  return `${lines.join('\n')}\n`.replaceAll('\0', '')
}
