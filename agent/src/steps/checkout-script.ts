// Owns what a checkout does, as one POSIX script. Nothing is spliced into it: all values come in as environment variables.

/**
 * Reads AF_URL, AF_REF, AF_DEPTH (0: whole history), AF_SUBMODULES, AF_CLEAN, AF_DIR. Writes commit, ref and branch to the
 * output file. Runs as the job's process, so its output is the log and it is canceled like any other step.
 */
export const CHECKOUT_SCRIPT = `
set -eu
say() { printf '%s\\n' "$*"; }
fail() { say "$*" >&2; exit 1; }
trap 'rm -f "$AF_SECRETS"/*' EXIT

cd "$AF_DIR"
say "Checking out $AF_URL \${AF_REF:-(default branch)} into $AF_DIR"
reused=
if [ -d .git ] && [ ! -L .git ] && git rev-parse --git-dir >/dev/null 2>&1; then
  reused=1
  rm -f .git/index.lock .git/shallow.lock .git/HEAD.lock .git/config.lock
elif [ -n "$(ls -A . 2>/dev/null)" ] && [ "$AF_CLEAN" != true ]; then
  say "The folder is not empty; files that are not in the repository stay."
fi
# A configuration that an earlier step has written could send the credentials elsewhere: it is made anew.
rm -f .git/config .git/config.worktree .git/objects/info/alternates
git init --quiet .
git config remote.origin.url "$AF_URL"
git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
if [ "$AF_CLEAN" = true ]; then
  if [ -n "$reused" ]; then
    git clean -ffdxq || fail "The folder cannot be cleaned."
  else
    find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
  fi
fi

shallow() { if [ "$AF_DEPTH" -gt 0 ]; then printf -- '--depth=%s' "$AF_DEPTH"; else printf -- '--no-tags'; fi; }
fetch() { git fetch --quiet --force --no-tags --no-recurse-submodules --no-write-fetch-head "$(shallow)" origin "$@"; }
whole() {
  more=
  if [ -f .git/shallow ]; then more=--unshallow; fi
  git fetch --quiet --force --tags --no-recurse-submodules $more origin '+refs/heads/*:refs/remotes/origin/*'
}
has() { git rev-parse --quiet --verify "$1^{commit}" >/dev/null 2>&1; }

branch= ref= target=
case $AF_REF in
  '')
    say "Looking up the default branch"
    head=$(git ls-remote --symref origin HEAD) || fail "The repository cannot be read."
    branch=$(printf '%s\\n' "$head" | sed -n 's#^ref: refs/heads/\\(.*\\)\\tHEAD$#\\1#p' | head -n 1)
    if [ -n "$branch" ]; then ref=refs/heads/$branch; else ref=HEAD; fi
    ;;
  refs/*) ref=$AF_REF ;;
  *)
    if printf '%s' "$AF_REF" | grep -Eqx '[0-9a-f]{40}|[0-9a-f]{64}'; then
      target=$AF_REF
      if ! has "$target"; then
        if ! fetch "$target" 2>/dev/null || ! has "$target"; then
          say "The server does not give single commits, or not this one; fetching the whole history"
          whole
        fi
      fi
      has "$target" || fail "There is no commit $AF_REF in the repository."
    else
      refs=$(git ls-remote origin "refs/heads/$AF_REF" "refs/tags/$AF_REF") || fail "The repository cannot be read."
      names=$(printf '%s\\n' "$refs" | cut -f 2)
      if printf '%s\\n' "$names" | grep -Fqx "refs/heads/$AF_REF"; then
        ref=refs/heads/$AF_REF
        if printf '%s\\n' "$names" | grep -Fqx "refs/tags/$AF_REF"; then say "There is a tag of this name too; the branch is taken."; fi
      elif printf '%s\\n' "$names" | grep -Fqx "refs/tags/$AF_REF"; then
        ref=refs/tags/$AF_REF
      elif printf '%s' "$AF_REF" | grep -Eqx '[0-9a-f]{7,63}'; then
        say "No branch or tag has this name; looking for a commit in the whole history"
        whole
        target=$(git rev-parse --quiet --verify "$AF_REF^{commit}") || fail "There is no branch, tag or commit $AF_REF in the repository."
      else
        fail "There is no branch or tag $AF_REF in the repository."
      fi
    fi
    ;;
esac

if [ -z "$target" ]; then
  case $ref in
    refs/heads/*) branch=\${ref#refs/heads/} local=refs/remotes/origin/$branch ;;
    refs/tags/*) local=$ref ;;
    *) local=refs/ansflow/checkout ;;
  esac
  say "Fetching $ref"
  fetch "+$ref:$local" || fail "$ref cannot be fetched."
  if [ "$AF_DEPTH" -eq 0 ]; then whole; fi
  target=$(git rev-parse --verify "$local^{commit}")
fi

git checkout --quiet --force --detach --no-recurse-submodules "$target" --
if [ -n "$branch" ]; then
  git update-ref "refs/heads/$branch" "$target"
  git symbolic-ref HEAD "refs/heads/$branch"
fi

if [ "$AF_SUBMODULES" = true ] && [ -f .gitmodules ]; then
  say "Fetching submodules"
  git submodule --quiet sync --recursive
  git submodule --quiet deinit --all --force >/dev/null 2>&1 || :
  if [ "$AF_DEPTH" -gt 0 ]; then
    git submodule --quiet update --init --recursive --force "--depth=$AF_DEPTH" ||
      git submodule --quiet update --init --recursive --force
  else
    git submodule --quiet update --init --recursive --force
  fi
fi

commit=$(git rev-parse --verify HEAD)
say "Commit $(git log -1 --no-show-signature --format='%H %s' HEAD | cut -c1-200)"
{
  printf 'commit=%s\\n' "$commit"
  printf 'ref=%s\\n' "\${ref:-$commit}"
  printf 'branch=%s\\n' "$branch"
} >>"$ANSFLOW_OUTPUT"
`

/** Answers git's questions for the one host that the credentials are for, and no other (submodules, redirects). */
export const ASKPASS_SCRIPT = `#!/bin/sh
case $1 in
  "Username for '$AF_ORIGIN': ") printf '%s\\n' "$AF_USERNAME" ;;
  "Password for '$AF_SCHEME://"*"@$AF_HOST': " | "Password for '$AF_ORIGIN': ") printf '%s\\n' "$AF_PASSWORD" ;;
  *) exit 1 ;;
esac
`

export const GIT_CONFIG = `[safe]
	directory = *
[core]
	hooksPath = /dev/null
	fsmonitor = false
	askPass =
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
[credential]
	helper =
[init]
	defaultBranch = main
[submodule]
	recurse = false
`
