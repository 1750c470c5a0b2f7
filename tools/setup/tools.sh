#!/bin/sh
# Makes sure that the programs are there which the tests drive from outside: the OpenSSH client.
set -eu
. "$(dirname "$0")/lib.sh"

if ! have ssh || ! have ssh-keygen; then need_packages "testing over SSH" openssh-client; fi
