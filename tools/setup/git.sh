#!/bin/sh
# Makes sure that a git of version 2.47 or newer is there.
#
# Looked at in this order, as the server does: the binary named by GITALY_TESTING_GIT_BINARY, the
# one that an earlier set-up built, the one on the PATH. When none is new enough, the current git
# is built from the source package of Debian's newest suite, which takes a minute or two, once.
#
# The result is found at a fixed place, which the server and the tests look at themselves:
#
#   ${XDG_CACHE_HOME:-$HOME/.cache}/gitaly-ts/git/current/bin/git
#
# "current" is a symbolic link to the folder of one version beside it. The folder can be moved or
# copied as a whole. A finished build appears there in one step, so nobody sees half of one.
set -eu
. "$(dirname "$0")/lib.sh"

minimum=2.47
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gitaly-ts/git
built=$cache/current/bin/git

# The newest suite first; the next one when a suite cannot be fetched or built.
suites="sid testing stable"

is_new_enough() {
  version=$(git_version "$1")
  [ -n "$version" ] && version_reaches "$version" "$minimum"
}

main() {
  for candidate in ${GITALY_TESTING_GIT_BINARY:+"$GITALY_TESTING_GIT_BINARY"} "$built" git; do
    is_new_enough "$candidate" || continue
    say "git $version ($candidate)"
    return
  done
  say "git ${version:-is missing}; $minimum or newer is needed, building one"
  check_distribution
  install_build_tools
  mkdir -p "$cache"
  if have flock; then
    # Several clones may be set up at once: the first one builds, the others wait and use it.
    exec 9>"$cache/lock"
    flock 9
    if is_new_enough "$built"; then
      say "git $version ($built)"
      return
    fi
  fi
  # A build that was killed leaves its folder; nobody else is in here while the lock is held.
  if have flock; then rm -rf "$cache"/building.*; fi
  work=$(mktemp -d "$cache/building.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  for suite in $suites; do
    if fetch_source "$suite" && build_git && install_git; then return; fi
    rm -rf "${work:?}"/*
  done
  fail "no git could be built; install git $minimum or newer and run this again"
}

check_distribution() {
  distribution=
  if [ -r /etc/os-release ]; then
    distribution=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")
  fi
  case $distribution in
  "debian "?*) codename=${distribution#debian } ;;
  *) fail "git can be built on Debian only; install git $minimum or newer and run this again" ;;
  esac
  have apt-get || fail "apt-get is missing; install git $minimum or newer and run this again"
}

install_build_tools() {
  packages=
  have make || packages="$packages make"
  have xz || packages="$packages xz-utils"
  if have cc; then
    has_header zlib.h || packages="$packages zlib1g-dev"
    has_header pcre2.h "#define PCRE2_CODE_UNIT_WIDTH 8" || packages="$packages libpcre2-dev"
    { has_header curl/curl.h && have curl-config; } || packages="$packages libcurl4-gnutls-dev"
  else
    packages="$packages gcc libc6-dev zlib1g-dev libpcre2-dev libcurl4-gnutls-dev"
  fi
  # shellcheck disable=SC2086 # a list of words
  need_packages "building git" $packages
}

has_header() {
  printf '%s\n#include <%s>\n' "${2:-}" "$1" | cc -E - >/dev/null 2>&1
}

# Fetches the source of one suite with an apt directory of our own. The system's lists stay as they
# are, and apt checks the signature of what it fetches as usual.
fetch_source() {
  mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$codename main //p" | head -n 1)
  [ -n "$mirror" ] || fail "apt knows no mirror for $codename; install git $minimum or newer"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/source"
  cat >"$work/apt/git.sources" <<END
Types: deb-src
URIs: $mirror
Suites: $1
Components: main
Signed-By: $keyring
END
  # Read after the system's own settings. What those let run after an update is not for this one.
  cat >"$work/apt/apt.conf" <<END
#clear APT::Update;
APT::Sandbox::User "root";
Dir::Etc::sourcelist "$work/apt/git.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
END
  say "fetching the source of git ($1)"
  (
    cd "$work/source"
    apt-get -c "$work/apt/apt.conf" update -qq &&
      apt-get -c "$work/apt/apt.conf" source -qq --download-only git
  ) >"$work/fetch.log" 2>&1 || {
    tail -n 5 "$work/fetch.log" >&2
    return 1
  }
  archive=$(echo "$work"/source/git_*.orig.tar.*)
  source_version=${archive##*/git_}
  source_version=${source_version%.orig.tar.*}
  if [ ! -f "$archive" ] || ! version_reaches "$source_version" "$minimum"; then
    say "$1 has no git $minimum or newer"
    return 1
  fi
  mkdir "$work/tree"
  tar -x -f "$archive" -C "$work/tree" --strip-components=1
}

# No library is linked that a server does not need: each one is loaded again by every git process.
build_git() {
  jobs=$(nproc 2>/dev/null || echo 2)
  say "building git $source_version ($jobs at a time)"
  make -C "$work/tree" -j "$jobs" \
    CFLAGS=-O2 prefix="$cache/$source_version" RUNTIME_PREFIX=1 USE_LIBPCRE2=1 \
    NO_PERL=1 NO_PYTHON=1 NO_TCLTK=1 NO_GETTEXT=1 NO_EXPAT=1 NO_OPENSSL=1 NO_RUST=1 \
    INSTALL_SYMLINKS=1 SKIP_DASHED_BUILT_INS=1 \
    TEST_PROGRAMS= UNIT_TEST_PROGS= CLAR_TEST_PROG= test_bindir_programs= \
    DESTDIR="$work/root" install >"$work/build.log" 2>&1 || {
    tail -n 20 "$work/build.log" >&2
    return 1
  }
}

install_git() {
  result=$work/root$cache/$source_version
  is_new_enough "$result/bin/git" && [ -x "$result/libexec/git-core/git-remote-http" ] || return 1
  rm -rf "${cache:?}/$source_version"
  mv "$result" "$cache/$source_version"
  ln -s "$source_version" "$work/current"
  mv -T "$work/current" "$cache/current"
  say "git $version ($built)"
}

main
