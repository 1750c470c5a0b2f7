#!/bin/sh
# Installs the node packages of the lock file, and with them the pinned Node as
# node_modules/.bin/node. Runs again only when the lock file has changed.
set -eu
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.."

have npm || fail "npm is missing; install Node.js 18 or newer with npm"

# The stamp lies inside, so that it goes when node_modules goes.
stamp=node_modules/.installed-for
wanted=$(cksum <package-lock.json)
if [ -x node_modules/.bin/node ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

say "installing node packages"
# Not `npm ci`: it refuses the lock file where a registry lacks packages of other platforms.
# No install scripts: nothing here needs one, and they are code that nobody reviewed.
npm install --no-save --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
node_modules/.bin/node -e 0 2>/dev/null || fail "no pinned Node for this machine; Linux on x64 or arm64 is needed"
printf '%s\n' "$wanted" >"$stamp"
