import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { loadConfig } from "./load-config.ts";
import { startProblem } from "./start-problem.ts";

const BASE = `
  socket_path = "/run/gitaly.socket"
  bin_dir = "FOLDER"
  [gitlab]
  secret = "x"
  [[storage]]
  name = "default"
  path = "FOLDER"
`;

async function problemOf(document: string, folder: string): Promise<string | undefined> {
  const text = document.replaceAll("FOLDER", folder);
  return startProblem(await loadConfig(text, new AbortController().signal));
}

const CASES: readonly (readonly [document: string, problem: string | undefined])[] = [
  [BASE, undefined],
  ["", "at least one of socket_path, listen_addr or tls_listen_addr must be set"],
  ["socket_path = 'x'", "not set"],
  [
    `${BASE}[[storage]]\nname = 'default'\npath = 'FOLDER/none'`,
    '[1].path: doesn\'t exist: "FOLDER/none"\n[1].name: not unique: "default"\n[1].path: can\'t nest: "FOLDER/none" and "FOLDER"',
  ],
  [
    `${BASE}[[git.config]]\nkey = 'bad'`,
    'invalid configuration key "bad": key: key "bad" must contain at least one section',
  ],
  [
    `${BASE}[auth]\ntoken = 'a'\ntoken_file = 'FOLDER/file'`,
    "token.token_file: token and token_file are mutually exclusive",
  ],
  [BASE.replace("bin_dir", "nothing"), "bin_dir: is not set"],
  [
    BASE.replace('bin_dir = "FOLDER"', 'bin_dir = "FOLDER/none"'),
    'bin_dir: path doesn\'t exist: "FOLDER/none"',
  ],
  [`runtime_dir = "FOLDER/file"${BASE}`, 'runtime_dir: not a directory: "FOLDER/file"'],
  [
    `${BASE}[daily_maintenance]\nstorages = ['x']`,
    'daily maintenance specified storage "x" does not exist in configuration',
  ],
  [
    `${BASE}[daily_maintenance]\nstart_hour = 24`,
    "daily maintenance specified hour '24' outside range (0-23)",
  ],
  [
    `${BASE}[daily_maintenance]\nstart_minute = 60`,
    "daily maintenance specified minute '60' outside range (0-59)",
  ],
  [
    `${BASE}[daily_maintenance]\nduration = '25h'`,
    "daily maintenance specified duration 25h0m0s must be less than 24 hours",
  ],
  [
    `${BASE}[cgroups]\nmemory_bytes = 1\nrepositories = { memory_bytes = 2 }`,
    "cgroups.repositories: memory limit cannot exceed parent",
  ],
  [
    `${BASE}[cgroups]\ncpu_shares = 1\nrepositories = { cpu_shares = 2 }`,
    "cgroups.repositories: cpu shares cannot exceed parent",
  ],
  [
    `${BASE}[cgroups]\ncpu_quota_us = 1\nrepositories = { cpu_quota_us = 2 }`,
    "cgroups.repositories: cpu quota cannot exceed parent",
  ],
  [
    `${BASE}[pack_objects_cache]\nenabled = true\nmax_age = '-1s'`,
    "pack_objects_cache.max_age cannot be negative",
  ],
  [
    `${BASE}[pack_objects_cache]\nenabled = true\ndir = 'relative'`,
    "pack_objects_cache: storage directory must be absolute path",
  ],
  [
    `${BASE}[pack_objects_cache]\nenabled = true\ndir = 'FOLDER'`,
    "pack_objects_cache: the specified cache directory cannot be the same or a parent of the storage path",
  ],
];

for (const [document, problem] of CASES) {
  const outcome = problem === undefined ? "starts" : `stops for ${JSON.stringify(problem)}`;
  test(`a server ${outcome}`, async (t) => {
    const folder = temporaryDirectory(t);
    writeFileSync(join(folder, "file"), "x");
    assert.equal(await problemOf(document, folder), problem?.replaceAll("FOLDER", folder));
  });
}
