// Owns the shell text that runs a step: who is whose parent, where the output goes, and what is noted of it.
import { readOnlyVariables } from '@ansflow/proto/step-variables'

/**
 * A small shell that runs one job at a time, as it is told, one line each. Only ids come over the pipe; all text of users is
 * in files of the job's folder. It ends with the agent (its input closes), after the job that it runs.
 *
 *     helper ─┬─ run ── guard ── the step (a session of its own)
 *             └─ keep (cat: the step's output, a pipe, into run/raw)
 *
 * - `run` notes the step's process and its exit code in `run/state`, which exists before, with its final size: each note is one
 *   short write, whole or not there even when the process is killed or the disk is full.
 * - `guard` is what a script sees as its parent and may end: that is an end of the step like any other.
 * - `run/claim` is made exclusively: a job starts at most once however often it is asked for.
 * - The exit code is noted when `keep` is blocked in its read again: it has written everything that was in the pipe, although
 *   a process that the step has left behind may keep the pipe open.
 * - TERM is for the step, not for these shells; `keep` ignores all signals, since it ends with the last of its writers.
 */
export const HELPER = `
jobs=$1
[ -z "$2" ] || echo 0 >"$2/cgroup.procs"
ansflow_setsid=$(command -v setsid)

own_pid() {
  for ansflow_own in /proc/self/task/*; do ansflow_own=\${ansflow_own##*/}; done
}

keep() {
  read -r go || exit
  cd "$1" || exit
  umask 077
  trap '' TERM INT HUP QUIT USR1 USR2
  own_pid
  printf '%-15s\\n' "$ansflow_own" 1<>reader
  exec cat >>run/raw
}

step() {
  . ./start
  # Nobody needs it any more, and it holds secrets.
  : >start
  own_pid
  printf '%-31s\\n' "$ansflow_run $ansflow_own" >&8
  cd "$1" || exit 125
  shift
  umask 022
  exec \${ansflow_setsid:+"$ansflow_setsid"} "$@" >&9 2>&1 8>&- 9>&-
}

# False when "keep" has ended: the pipe is still open here, so it could not write.
drained() {
  tries=0
  while :; do
    reader= place= state=
    read -r reader <reader
    [ -z "$reader" ] || read -r place <"/proc/$reader/wchan"
    case $place in *pipe*) return 0 ;; esac
    if [ -n "$reader" ]; then
      { read -r _; read -r _; read -r _ state _; } <"/proc/$reader/status"
      case $state in
        Z* | X* | '') return 1 ;;
        # Where the kernel does not tell in what it sleeps.
        S*) [ "$place" != 0 ] && [ -n "$place" ] || [ "$tries" -lt 3 ] || return 0 ;;
      esac
    fi
    # Never told: the step has taken the file away.
    [ -n "$reader" ] || [ "$tries" -lt 300 ] || return 1
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || sleep 0.01
  done
}

run() {
  cd "$1" || exit
  umask 077
  set -C
  : >run/claim || exit
  set +C
  exec 8<>run/state 9>&1 >/dev/null
  echo go >&9
  : >>output
  read -r ansflow_run </proc/self/stat
  set -- \${ansflow_run##*) }
  ansflow_run="\${ansflow_run%% *} \${20:-0}"
  trap : TERM INT HUP QUIT USR1 USR2
  (
    trap : TERM INT HUP QUIT USR1 USR2
    (step)
    exit "$?"
  )
  code=$?
  drained || code="$code unkept"
  printf '%-15s\\n' "$code" >&8
}

echo ready
while read -r job; do
  case $job in '' | *[!A-Za-z0-9_-]*) continue ;; esac
  run "$jobs/$job" </dev/null | keep "$jobs/$job" >/dev/null
  echo free
done
`

/** What `run/state` holds before: room for "pid start-time session" and for the exit code; and `reader`: for the pid of `keep`. */
export const STATE_BLANK = `${' '.repeat(31)}\n${' '.repeat(15)}\n`
export const READER_BLANK = `${' '.repeat(15)}\n`
export const PID_BYTES = 32

/** Gives disk blocks back as it is told, until it cannot: "job bytes". */
export const PUNCHER = `
while read -r job bytes; do
  case $job in '' | *[!A-Za-z0-9_-]*) continue ;; esac
  fallocate --punch-hole --offset 0 --length "$bytes" "$1/$job/run/raw" || exit
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
