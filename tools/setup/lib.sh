# Shared by the set-up scripts; sourced, never run.

say() { printf 'setup: %s\n' "$*"; }

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs packages of the distribution when that is possible, else tells the user which ones.
# need_packages WHY PACKAGE...
need_packages() {
  why=$1
  shift
  [ $# -gt 0 ] || return 0
  have apt-get || fail "$why needs software that is missing here; on Debian it is called: $*"
  [ "$(id -u)" = 0 ] || fail "$why needs packages that only root can install: apt-get install $*"
  say "installing $*"
  # The first try uses the lists as they are: a machine that has them need not fetch them again.
  install_packages "$@" || { apt-get update -qq && install_packages "$@"; } || fail "cannot install $*"
}

install_packages() {
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$@" >/dev/null 2>&1
}

# Does version $1 (such as 2.39.5) reach version $2?
version_reaches() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# The number in `git version`'s answer; nothing when that git does not run.
git_version() {
  "$1" version 2>/dev/null | sed -n 's/^git version \([0-9][0-9.]*[0-9]\).*/\1/p'
}
