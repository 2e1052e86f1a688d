// Owns the shell text that runs a step: who is whose parent, where the output goes, and what is noted of it.
import { readOnlyVariables } from '@ansflow/proto/step-variables'

/**
 * A small shell that runs one job at a time, as it is told: an empty line when it may make itself ready, and the job's id when there
 * is one. Only ids come over the pipe; all text of users is in files of the job's folder. It ends with the agent (its
 * input closes), after the job that it runs.
 *
 *     helper ─┬─ run ── guard ── the step (a session of its own)
 *             └─ keep (cat: the step's output, a pipe, into raw)
 *
 * All of them are there before the job is known, and wait: starting them takes longer than everything else of a job's start.
 *
 * - `job` is there before, with room for what is noted: the step's process and session, by the step before it begins; `keep`, by
 *   itself; the exit code, by `guard`. Each note is one short write, whole or not there even when the process is killed or the
 *   disk is full.
 * - `raw` is made exclusively: a job starts at most once however often it is asked for.
 * - `guard` is what a script sees as its parent and may end: that is an end of the step like any other, and noted by `run`.
 * - The exit code is noted when `keep` is blocked in its read again: it has written everything that was in the pipe, although
 *   a process that the step has left behind may keep the pipe open.
 * - TERM is for the step, not for these shells; `keep` ignores all signals, since it ends with the last of its writers.
 */
export const HELPER = `
jobs=$1 step=$2
[ -z "$3" ] || echo 0 >"$3/cgroup.procs"
setsid=$(command -v setsid)

keep() {
  trap '' TERM INT HUP QUIT USR1 USR2
  umask 077
  for own in /proc/self/task/*; do own=\${own##*/}; done
  # An empty line only asks whether it is still there.
  while read -r go && [ -z "$go" ]; do :; done
  [ -n "$go" ] && cd "$jobs/$go" || exit
  exec 3<>job
  read -r _ <&3
  read -r _ <&3
  # What is read while it is written does not begin so.
  printf ':%-14s\\n' "$own" >&3
  exec cat >>raw 3>&-
}

# False when "keep" has ended: the pipe is still open here, so it could not write.
drained() {
  tries=0
  while :; do
    place= state=
    { read -r _; read -r _; read -r reader; } <job
    case $reader in
      :*)
        reader=\${reader#:}
        read -r place <"/proc/$reader/wchan"
        case $place in *pipe*) return 0 ;; esac
        { read -r _; read -r _; read -r _ state _; } <"/proc/$reader/status"
        case $state in
          Z* | X* | '') return 1 ;;
          # Where the kernel does not tell in what it sleeps.
          S*) [ "$place" != 0 ] && [ -n "$place" ] || [ "$tries" -lt 3 ] || return 0 ;;
        esac
        ;;
      # Never told: the step has taken the file away.
      *) [ "$tries" -lt 300 ] || return 1 ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || sleep 0.01
  done
}

# Of a job that another helper runs nothing is noted here; nor once more.
note() {
  [ -n "$job" ] && cd "$jobs/$job" && exec 8<job || return 0
  read -r leader _ <&8
  read -r noted <&8
  [ "$leader" = "\${own%% *}" ] && [ -z "$noted" ] || return 0
  code=$1
  drained || code="$code unkept"
  exec 8<>job
  read -r _ <&8
  printf '%-15s\\n' "$code" >&8
}

guard() {
  trap : TERM INT HUP QUIT USR1 USR2
  exec 7>&1
  job=$(exec \${setsid:+"$setsid"} /bin/sh -c "$step" ansflow-step "$jobs" "$own")
  code=$?
  job=\${job##*[!A-Za-z0-9_-]}
  note "$code"
}

run() {
  exec 9>&1 >/dev/null
  read -r own </proc/self/stat
  set -- \${own##*) }
  own="\${own%% *} \${20:-0}"
  trap : TERM INT HUP QUIT USR1 USR2
  # Both hear the job's id from the step.
  job=$(guard)
  code=$?
  job=\${job##*[!A-Za-z0-9_-]}
  [ "$code" = 0 ] || note "$code"
}

echo ready
while read -r line; do
  # The id of a job whose step was killed before it could read it: it comes again.
  [ -z "$line" ] || continue
  run | keep >/dev/null
  echo free
done
`

/** Becomes the step. What `start` sets may have any name, so after it only numbered words are used. */
export const STEP = `
read -r job && [ -n "$job" ] && cd "$1/$job" || exit
# Whose reader somebody has killed ends here, before the job has begun: another try starts it.
echo >&9 && echo && echo >&7 || exit
umask 077
set -C
: >raw || exit
set +C
exec 8<>job </dev/null
echo "$job" >&9
echo "$job"
echo "$job" >&7
exec >/dev/null 7>&-
: >>output
printf '%-31s\\n' "$2 $$" >&8
exec 8>&-
. ./start
# Nobody needs it any more, and it holds secrets.
: >start
cd "$1" || exit 125
shift
umask 022
exec "$@" >&9 2>&1 9>&-
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
