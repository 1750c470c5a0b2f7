#!/bin/sh
# Builds the process helper where a C compiler is there. The server has a slower one in JavaScript
# that takes its place, so a machine without a compiler needs nothing.
set -eu
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.."

source=native/spawn-helper.c
target=dist/native/spawn-helper
compiler=${CC:-cc}

[ -f "$source" ] || exit 0
have "$compiler" || exit 0
if [ -n "$(find "$target" -newer "$source" 2>/dev/null)" ]; then exit 0; fi

# Warnings are errors only where the change that brought them can still be stopped.
strict=${CI:+-Werror}

say "building $target"
mkdir -p dist/native
# A running server may hold the old one: never write into it, put a new one in its place.
# shellcheck disable=SC2086 # one flag or none
if "$compiler" -std=gnu11 -O2 -Wall -Wextra $strict -o "$target.new" "$source"; then
  mv "$target.new" "$target"
elif [ -n "$strict" ]; then
  fail "the process helper does not compile"
else
  say "the process helper does not compile; the slower one is used"
fi
