import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import type { Config } from "./config.ts";
import { ConfigError, ConfigSyntaxError } from "./config-error.ts";
import { loadConfig, loadConfigFile, loadFailureText } from "./load-config.ts";

function load(document: string): Promise<Config> {
  return loadConfig(document, new AbortController().signal);
}

function script(t: TestContext, body: string): string {
  const path = join(temporaryDirectory(t), "script");
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("an empty document means the reference server's defaults", async () => {
  const config = await load("");
  assert.equal(config.gracefulRestartTimeoutMs, 60_000);
  assert.deepEqual(config.logging, {
    format: "text",
    level: "info",
    sentryDsn: "",
    sentryEnvironment: "",
  });
  assert.equal(config.tls.minVersion, "TLSv1.2");
  assert.equal(config.gitlab.secretFile, ".gitlab_shell_secret");
  assert.equal(config.cgroups.mountpoint, "/sys/fs/cgroup");
  assert.equal(config.cgroups.hierarchyRoot, "gitaly");
  assert.equal(config.packObjectsLimiting.maxConcurrency, 200);
  assert.equal(config.packObjectsLimiting.maxQueueSize, 200);
  assert.equal(config.packObjectsCache.backpressure, true);
  assert.equal(config.packObjectsCache.minOccurrences, 1);
  assert.equal(config.archiveCache.backpressure, false);
  assert.equal(config.backup.walWorkerCount, 1);
  assert.equal(config.timeout.uploadPackNegotiationMs, 600_000);
  assert.equal(config.timeout.uploadArchiveNegotiationMs, 60_000);
  assert.equal(config.transactions.maxInactivePartitions, 100);
  assert.equal(config.prometheus.scrapeTimeoutMs, 10_000);
  assert.equal(config.prometheus.grpcLatencyBuckets.length, 11);
  assert.deepEqual(config.dailyMaintenance, {
    startHour: 12,
    startMinute: 0,
    durationMs: 600_000,
    storages: [],
    disabled: false,
  });
});

test("tables, arrays of tables, inline tables and durations are read", async () => {
  const config = await load(`
    socket_path = "/run/gitaly.socket"
    graceful_restart_timeout = "8m03s"
    nobody_knows_this = { a = 1 }

    [git]
    CATFILE_Cache_Size = 50
    config = [{ key = "first.key", value = "1" }, { key = "second.key" }]

    [[storage]]
    name = "default"
    path = "/srv/repos1//"
    [[storage]]
    name = "other"
    path = "/srv/repos2/subfolder/.."

    [gitlab.http-settings]
    read_timeout = 300
    self_signed_cert = false

    [[concurrency]]
    rpc = "/gitaly.RepositoryService/OptimizeRepository"
    max_per_repo = 1
    max_queue_wait = "1m"
    [concurrency.unauthenticated]
    max_concurrency = 2
  `);
  assert.equal(config.socketPath, "/run/gitaly.socket");
  assert.equal(config.gracefulRestartTimeoutMs, 483_000);
  assert.equal(config.git.catfileCacheSize, 50);
  assert.deepEqual(config.git.config, [
    { key: "first.key", value: "1" },
    { key: "second.key", value: "" },
  ]);
  assert.deepEqual(config.storages, [
    { name: "default", path: "/srv/repos1" },
    { name: "other", path: "/srv/repos2" },
  ]);
  assert.equal(config.gitlab.http.readTimeoutSeconds, 300);
  const [limits] = config.concurrency;
  assert.equal(limits?.rpc, "/gitaly.RepositoryService/OptimizeRepository");
  assert.equal(limits?.maxQueueSize, 500);
  assert.equal(limits?.maxQueueWaitMs, 60_000);
  assert.equal(limits?.unauthenticated.maxConcurrency, 2);
  assert.deepEqual(config.dailyMaintenance.storages, ["default", "other"]);
});

test("an explicitly empty list of storages is no default for the maintenance window", async () => {
  const config = await load("[daily_maintenance]\nstorages = []");
  assert.equal(config.dailyMaintenance.durationMs, 0);
});

test("the cgroup format of before 15.0 fills the new one", async () => {
  const { cgroups } = await load(
    "[cgroups]\ncount = 10\n[cgroups.memory]\nenabled = true\nlimit = 1024\n[cgroups.cpu]\nshares = 16",
  );
  assert.deepEqual(cgroups.repositories, {
    count: 10,
    maxCgroupsPerRepo: 1,
    memoryBytes: 1024,
    cpuShares: 0,
    cpuQuotaUs: 0,
  });
});

test("caches and Raft live below the first storage unless told otherwise", async () => {
  const config = await load(`
    storage = [{ name = "a", path = "/srv/a" }]
    [pack_objects_cache]
    enabled = true
    [archive_cache]
    enabled = true
    dir = "/var/cache/archives"
    max_age = "1h"
    [raft]
    enabled = true
    election_rtt = 30
  `);
  assert.equal(config.packObjectsCache.dir, "/srv/a/+gitaly/PackObjectsCache");
  assert.equal(config.packObjectsCache.maxAgeMs, 300_000);
  assert.equal(config.archiveCache.dir, "/var/cache/archives");
  assert.equal(config.archiveCache.maxAgeMs, 3_600_000);
  assert.equal(config.raft.snapshotDir, "/srv/a/+gitaly/raft/snapshots");
  assert.equal(config.raft.electionTicks, 30);
  assert.equal(config.raft.heartbeatTicks, 2);
});

test("gitlab-shell's directory gives the secret and the hooks", async () => {
  const config = await load('[gitlab-shell]\ndir = "/srv/shell"');
  assert.equal(config.gitlab.secretFile, "/srv/shell/.gitlab_shell_secret");
  assert.equal(config.hooks.customHooksDir, "/srv/shell/hooks");
});

test("pressure thresholds are filled in for the resources that are watched", async () => {
  const { adaptiveLimiting } = await load(
    "[adaptive_limiting.psi_pressure.cpu]\nenabled = true\nbackoff_threshold = 33.5",
  );
  const { cpu, io } = adaptiveLimiting.psiPressure;
  assert.equal(cpu.warningThreshold, 20);
  assert.equal(cpu.backoffThreshold, 33.5);
  assert.equal(cpu.sustainDurationSeconds, 30);
  assert.equal(io.warningThreshold, 0);
});

test("the token comes from its file without the line feed", async (t) => {
  const path = join(temporaryDirectory(t), "token");
  writeFileSync(path, " secret\n");
  assert.equal((await load(`[auth]\ntoken_file = '${path}'`)).auth.resolvedToken, "secret");
  assert.equal((await load("[auth]\ntoken = 'abc'")).auth.resolvedToken, "abc");
  await assert.rejects(load("[auth]\ntoken_file = '/does/not/exist'"), {
    message: "reading token file: open /does/not/exist: no such file or directory",
  });
});

test("a value of the wrong type is reported with its place", async () => {
  for (const [document, line, column, message] of [
    ["socket_path = 1", 1, 15, "toml: cannot decode TOML integer into socket_path of type string"],
    ["a = 1\n  socket_path  =  true", 2, 19, "toml: cannot assign boolean to a true"],
    ["listen_addr = 3.5", 1, 15, "toml: float cannot be assigned to string"],
    ['graceful_restart_timeout = "bad value"', 1, 28, 'toml: time: invalid duration "bad value"'],
    ["graceful_restart_timeout = 5", 1, 28, 'toml: time: missing unit in duration "5"'],
    ["[tls]\nmin_version = 'TLS 1.1'", 2, 15, 'toml: unsupported TLS version: "TLS 1.1"'],
    ["[storage]\nname = 'a'", 1, 2, "toml: cannot store a table in a slice"],
  ] as const) {
    await assert.rejects(load(document), (error) => {
      assert.ok(error instanceof ConfigSyntaxError);
      const { line: foundLine, column: foundColumn } = error;
      assert.deepEqual([foundLine, foundColumn, error.message], [line, column, message]);
      return true;
    });
  }
});

test("what is no TOML is refused with its place", async () => {
  await assert.rejects(load("a = 1\nb = "), (error) => {
    assert.ok(error instanceof ConfigSyntaxError);
    assert.equal(error.line, 2);
    assert.match(error.message, /^toml: [^\n]+$/);
    return true;
  });
});

test("a number that doesn't fit is refused with its place", async () => {
  await assert.rejects(load("[git]\ncatfile_cache_size = 9223372036854775808"), {
    message:
      'toml: couldn\'t parse decimal number: strconv.ParseInt: parsing "9223372036854775808": value out of range',
    line: 2,
    column: 22,
  });
  await assert.rejects(load("[cgroups]\nmemory_bytes = 1.5"), {
    message: "toml: float cannot be assigned to int64",
  });
  await assert.rejects(load("[raft]\nrtt_milliseconds = -1"), {
    message: "load toml: toml: negative number -1 does not fit in an uint64",
  });
});

test("a negative count and an array for a text are refused without a place", async () => {
  await assert.rejects(load("[transactions]\nmax_inactive_partitions = -1"), {
    message: "load toml: toml: negative number -1 does not fit in an uint",
  });
  await assert.rejects(load("socket_path = [1]"), {
    message: "load toml: toml: cannot decode TOML array into socket_path of type string",
  });
});

test("the output of config_command is merged over the document", async (t) => {
  const output = `{"socket_path": "generated", "listen_addr": null, "unknown": 1,
    "git": {"signing_key": "key"}, "tls": {"cert_path": "c"},
    "gitlab": {"http_settings": {"user": "u"}}, "auth": {"Token": "t"},
    "storage": [{"name": "generated", "path": "/srv/generated/"}], "timeout": {"upload_pack_negotiation": "3s"}}`;
  const command = script(t, `echo ignored >&2\ncat <<'END'\n${output}\nEND`);
  const config = await load(`
    config_command = "${command}"
    socket_path = "written"
    listen_addr = "localhost:1"
    [git]
    committer_name = "GitLab"
    [[storage]]
    name = "written"
  `);
  assert.equal(config.socketPath, "generated");
  assert.equal(config.listenAddr, "localhost:1");
  assert.equal(config.git.signingKey, "key");
  assert.equal(config.git.committerName, "GitLab");
  assert.equal(config.tls.certificatePath, "c");
  assert.equal(config.gitlab.http.user, "u");
  assert.equal(config.auth.resolvedToken, "t");
  assert.equal(config.timeout.uploadPackNegotiationMs, 3000);
  assert.deepEqual(config.storages, [{ name: "generated", path: "/srv/generated" }]);
});

test("a config_command that fails is reported", async (t) => {
  for (const [command, message] of [
    [
      "/does/not/exist",
      "running config command: fork/exec /does/not/exist: no such file or directory",
    ],
    [
      "no-such-program-anywhere",
      'running config command: exec: "no-such-program-anywhere": executable file not found in $PATH',
    ],
    [
      script(t, "echo error >&2; exit 1"),
      'running config command: exit status 1, stderr: "error\\n"',
    ],
    [
      script(t, "echo '{\"socket_path\": 3}'"),
      "unmarshalling generated config: json: cannot unmarshal number into socket_path of type string",
    ],
  ] as const) {
    await assert.rejects(load(`config_command = "${command}"`), { message });
  }
  const noJson = script(t, "echo this is not json");
  await assert.rejects(load(`config_command = "${noJson}"`), {
    message: /^unmarshalling generated config: /,
  });
});

test("hostile keys neither crash nor leak into the configuration", async () => {
  const config = await load('"__proto__" = { socket_path = "x" }\n[constructor]\nname = 1');
  assert.equal(config.socketPath, "");
});

test("a configuration that prevents a start is refused by loadConfigFile", async (t) => {
  const path = join(temporaryDirectory(t), "config.toml");
  const { signal } = new AbortController();
  writeFileSync(path, "");
  const refusal = await loadConfigFile(path, signal).catch((error: unknown) => error);
  assert.ok(refusal instanceof ConfigError);
  assert.equal(
    loadFailureText(path, refusal),
    `load config: config_path "${path}": invalid config: at least one of socket_path, listen_addr or tls_listen_addr must be set`,
  );
  writeFileSync(path, "socket_path = 1");
  const mistake = await loadConfigFile(path, signal).catch((error: unknown) => error);
  assert.ok(mistake instanceof ConfigError);
  assert.match(loadFailureText(path, mistake), /: load toml: toml: cannot decode TOML integer /);
  await assert.rejects(loadConfigFile("/does/not/exist", signal), {
    message: "open /does/not/exist: no such file or directory",
  });
});
