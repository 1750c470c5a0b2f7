/*
 * What a hook's process and the server say to each other over descriptor 3.
 *
 * The hook speaks first, the server while it works, then the hook's process ends:
 *
 *   hook    NAME SP PID { SP ARGUMENT } LF       as githooks(5) has them
 *           { VARIABLE SP LENGTH LF BYTES LF }   of its environment, LENGTH in bytes
 *           { SP LINE LF }                       its standard input
 *           "." LF
 *   server  { KIND LF DATA LF }                  "o" and "e": a line for stdout or stderr,
 *                                                "O" and "E": the same without a line's end
 *           "x" LF PID SP STATUS LF              its exit status
 *
 * Everything that a client of the server may choose is preceded by its length or by a space, since
 * a hostile one puts line feeds into ref names and push options. The process id keeps a hook from
 * taking the answer to one that was killed for its own.
 *
 * git runs a hook for every push and ref, so the script starts no other program, unless there are
 * more lines of input than the shell, which reads byte by byte, handles in the time that takes.
 */

/** How many lines of input the shell reads by itself. */
const LINES_READ_BY_SHELL = 24;

/** What the pusher is told when a hook fails and no reason is meant for the pusher. */
export const HOOK_FAILED_TEXT = "error executing git hook";

/** A hook for POSIX shells: relays what git says to the server, and the server's answer to git. */
export const HOOK_STUB_SCRIPT: string = `#!/bin/sh
LC_ALL=C
n='
'
m="\${0##*/} $$ $*"
add() {
  eval "v=\\\${$1-}"
  m="$m$n$1 \${#v}$n$v"
}
for e in PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_QUARANTINE_PATH; do
  add "$e"
done
i=0
while [ "$i" -lt "\${GIT_PUSH_OPTION_COUNT:-0}" ]; do
  add "GIT_PUSH_OPTION_$i"
  i=$((i + 1))
done
case $0 in
*/update) ;;
*)
  i=0
  while [ "$i" -lt ${LINES_READ_BY_SHELL} ] && IFS= read -r l; do
    m="$m$n $l"
    i=$((i + 1))
  done
  if [ "$i" -eq ${LINES_READ_BY_SHELL} ]; then
    printf '%s\\n' "$m" >&3
    LC_ALL=C sed 's/^/ /' >&3
    m=
  fi
  ;;
esac
printf '%s.\\n' "\${m:+$m$n}" >&3
exec <&3
while IFS= read -r k && IFS= read -r l; do
  case $k in
  o) printf '%s\\n' "$l" ;;
  O) printf %s "$l" ;;
  e) printf '%s\\n' "$l" >&2 ;;
  E) printf %s "$l" >&2 ;;
  x) case $l in "$$ "*) exit "\${l#* }" ;; esac ;;
  esac
done
echo '${HOOK_FAILED_TEXT}' >&2
exit 1
`;
