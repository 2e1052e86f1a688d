// Owns what a checkout does, as one POSIX script. Nothing is spliced into it: all values come in as environment variables.

/**
 * Reads AF_URL, AF_REF, AF_DEPTH (0: whole history), AF_SUBMODULES, AF_CLEAN, AF_DIR. Writes commit, ref and branch to the
 * output file. Runs as the job's process, so its output is the log and it is canceled like any other step.
 *
 * What an earlier step has left in the folder's .git (settings, hooks, a file that leads elsewhere) is never read: everything
 * is fetched into the job's own HOME, where no step has been, and that takes the place of .git when the credentials are gone.
 */
export const CHECKOUT_SCRIPT = `
set -eu
say() { printf '%s\\n' "$*"; }
fail() { say "$*" >&2; exit 1; }
forget_secrets() { rm -rf "$AF_SECRETS"; }
trap forget_secrets EXIT

cd "$AF_DIR"
say "Checking out $AF_URL \${AF_REF:-(default branch)} into $AF_DIR"
if [ ! -e .git ] && [ -n "$(ls -A . 2>/dev/null)" ] && [ "$AF_CLEAN" != true ]; then
  say "The folder is not empty; files that are not in the repository stay."
fi
cd "$HOME"
export GIT_DIR="$HOME/.git"
git init --quiet
git config remote.origin.url "$AF_URL"
git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'

shallow() { if [ "$AF_DEPTH" -gt 0 ]; then printf -- '--depth=%s' "$AF_DEPTH"; else printf -- '--no-tags'; fi; }
fetch() { git fetch --quiet --force --no-tags --no-recurse-submodules --no-write-fetch-head "$(shallow)" origin "$@"; }
whole() {
  more=
  if [ -f "$GIT_DIR/shallow" ]; then more=--unshallow; fi
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

if [ "$AF_SUBMODULES" != true ]; then forget_secrets; fi
cd "$AF_DIR"
old_index=
if [ "$AF_CLEAN" = true ]; then
  find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} + || fail "The folder cannot be cleaned."
elif [ -d .git ] && [ ! -L .git ] && [ -f .git/index ] && [ ! -L .git/index ]; then
  cp .git/index "$GIT_DIR/index"
  old_index=1
fi
rm -rf .git || fail "The folder's .git cannot be removed."
mv "$GIT_DIR" .git
unset GIT_DIR
if [ -n "$old_index" ]; then
  # Files that the commit before had and this one has not go. What the index says of unchanged files is not believed.
  git read-tree --reset -u "$target" >/dev/null 2>&1 || :
  rm -f .git/index .git/index.lock
fi
git checkout --quiet --force --detach --no-recurse-submodules "$target" --
if [ -n "$branch" ]; then
  git update-ref "refs/heads/$branch" "$target"
  git symbolic-ref HEAD "refs/heads/$branch"
fi

if [ "$AF_SUBMODULES" = true ] && [ -f .gitmodules ]; then
  say "Fetching submodules"
  # Each begins anew: one that is there could be an earlier step's, with settings of its own.
  git ls-files --stage | sed -n 's/^160000 [0-9a-f]* 0\t//p' | while IFS= read -r path; do
    case $path in '"'*) fail "The submodule $path has a name that cannot be used." ;; esac
    rm -rf "./$path"
  done
  if [ "$AF_DEPTH" -gt 0 ]; then
    git submodule --quiet update --init --recursive --force "--depth=$AF_DEPTH" ||
      git submodule --quiet update --init --recursive --force
  else
    git submodule --quiet update --init --recursive --force
  fi
fi
forget_secrets

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
  "Password for '$AF_SCHEME://"*"@$AF_HOST': " | "Password for '$AF_ORIGIN': ") printf '%s\\n' "$(cat "$AF_SECRETS/password")" ;;
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
