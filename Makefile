# The front door. Each target installs what it needs first, so any of them works in a fresh clone.

NODE := node_modules/.bin/node
CC ?= cc
export TARGETS

.DEFAULT_GOAL := help
.PHONY: help setup packages git helper build run test bench lint clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1|/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

run: build ## start a small Git forge: server, HTTP and SSH doors (FORGE_DIR, GRPC_PORT, HTTP_PORT, SSH_PORT)
	@exec bin/gitaly-forge

test: build ## run all tests (TESTS="src/git test/acceptance" runs some)
	@$(NODE) tools/test.ts $(TESTS)

bench: build ## measure servers side by side (TARGETS="name=address ...")
	@$(NODE) bench/main.ts $(BENCH)

lint: packages ## check types, format, rules, layers and unused code
	@npm run --silent check

build: setup ## compile the sources into dist/
	@$(NODE) tools/build.ts

setup: packages git helper ## install node packages, git and tools, once

packages:
	@tools/setup/packages.sh

git:
	@tools/setup/git.sh
	@tools/setup/tools.sh
	@tools/setup/object-storage.sh

helper:
	@CC="$(CC)" tools/setup/helper.sh

clean: ## remove what was built or installed here; repositories that you host stay
	rm -rf dist node_modules coverage
