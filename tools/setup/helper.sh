#!/bin/sh
# Builds the small programs in C where a compiler is there. The server has slower ones in JavaScript
# that take their place, so a machine without a compiler needs nothing.
set -eu
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.."

compiler=${CC:-cc}
have "$compiler" || exit 0

# Warnings are errors only where the change that brought them can still be stopped.
strict=${CI:+-Werror}

for source in native/*.c; do
  [ -f "$source" ] || continue
  target=dist/native/$(basename "$source" .c)
  if [ -n "$(find "$target" -newer "$source" 2>/dev/null)" ]; then continue; fi
  say "building $target"
  mkdir -p dist/native
  # A running server may hold the old one: never write into it, put a new one in its place.
  # shellcheck disable=SC2086 # one flag or none
  if "$compiler" -std=gnu11 -O2 -Wall -Wextra $strict -o "$target.new" "$source"; then
    mv "$target.new" "$target"
  elif [ -n "$strict" ]; then
    fail "$source does not compile"
  else
    say "$source does not compile; a slower program is used"
  fi
done
