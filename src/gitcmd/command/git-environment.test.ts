import assert from "node:assert/strict";
import { test } from "node:test";
import { GitCommandError } from "../git-runner.ts";
import { createEnvironment } from "./git-environment.ts";

const FIXED = [
  "LANG=en_US.UTF-8",
  "GIT_TERMINAL_PROMPT=0",
  "GIT_CONFIG_GLOBAL=/dev/null",
  "GIT_CONFIG_SYSTEM=/dev/null",
  "XDG_CONFIG_HOME=/dev/null",
];

test("only the listed part of the server's environment reaches git", () => {
  const server = {
    PATH: "/bin",
    HOME: "/home",
    TZ: "UTC",
    GIT_TRACE: "1",
    SECRET: "x",
    GIT_DIR: "/elsewhere",
    GIT_CONFIG_COUNT: "1",
    LD_PRELOAD: "/evil.so",
  };
  assert.deepEqual(createEnvironment(server, { GIT_EXEC_PATH: "/git" })(undefined, undefined), [
    "HOME=/home",
    "PATH=/bin",
    "TZ=UTC",
    "GIT_TRACE=1",
    "GIT_EXEC_PATH=/git",
    ...FIXED,
  ]);
});

test("a command's variables win over the server's and lose against the fixed ones", () => {
  const environment = createEnvironment({ TZ: "UTC" }, {});
  const command = { TZ: "CET", LANG: "de_DE.UTF-8", GIT_PROTOCOL: "version=2" };
  assert.deepEqual(
    new Set(environment(undefined, command)),
    new Set(["TZ=CET", "GIT_PROTOCOL=version=2", ...FIXED]),
  );
});

test("a quarantine comes as git's variables for object directories", () => {
  const directory = {
    path: "/r",
    objectDirectory: "/r/objects/incoming",
    alternateObjectDirectories: ["/r/objects", "/pool/objects"],
  };
  assert.deepEqual(createEnvironment({}, {})(directory, undefined).slice(0, 2), [
    "GIT_OBJECT_DIRECTORY=/r/objects/incoming",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES=/r/objects:/pool/objects",
  ]);
});

test("names and values that would end early or split are refused", () => {
  const environment = createEnvironment({}, {});
  for (const variables of [{ "A=B": "" }, { "": "x" }, { A: "b\0C=d" }]) {
    assert.throws(() => environment(undefined, variables), GitCommandError);
  }
});
