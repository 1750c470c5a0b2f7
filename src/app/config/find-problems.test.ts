import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { findProblems } from "./find-problems.ts";
import { loadConfig } from "./load-config.ts";
import { problemText } from "./problem.ts";

/** A folder with what a valid configuration needs, and its document. */
function prepare(t: TestContext): { folder: string; document: string } {
  const folder = temporaryDirectory(t);
  for (const name of ["bin", "one", "one/nested", "one-more"]) mkdirSync(join(folder, name));
  for (const name of ["secret", "token", "open-token"]) writeFileSync(join(folder, name), "x");
  chmodSync(join(folder, "token"), 0o600);
  chmodSync(join(folder, "open-token"), 0o644);
  const document = `
    socket_path = "/run/gitaly.socket"
    bin_dir = "${folder}/bin"
    [gitlab]
    url = "https://gitlab.example"
    secret_file = "${folder}/secret"
    [[storage]]
    name = "default"
    path = "${folder}/one"
  `;
  return { folder, document };
}

async function problemsOf(document: string): Promise<string[]> {
  const config = await loadConfig(document, new AbortController().signal);
  return findProblems(config).map(problemText);
}

test("everything that an empty configuration lacks is told at once", async () => {
  const config = await loadConfig("", new AbortController().signal);
  assert.deepEqual(findProblems(config), [
    { key: [], message: 'none of "socket_path", "listen_addr" or "tls_listen_addr" is set' },
    { key: ["bin_dir"], message: 'doesn\'t exist: ""' },
    { key: ["storage"], message: "not set" },
    { key: ["gitlab", "url"], message: "blank or empty" },
    { key: ["gitlab", "secret_file"], message: 'doesn\'t exist: ".gitlab_shell_secret"' },
  ]);
});

test("a configuration that is in order has no problems", async (t) => {
  assert.deepEqual(await problemsOf(prepare(t).document), []);
});

/** Appended to the valid document; FOLDER stands for the prepared folder. */
const CASES: readonly (readonly [what: string, addition: string, problems: readonly string[]])[] = [
  [
    "git configuration",
    `[[git.config]]
     [[git.config]]
     key = "foo"
     [[git.config]]
     key = ".foo.bar"
     [[git.config]]
     key = "foo.bar."
     [[git.config]]
     key = "foo.bar=value"
     [[git.config]]
     key = "foo.b r"
     [[git.config]]
     key = "http.https://example.com.proxy"`,
    [
      "git.config.key: not set",
      'git.config.key: key "foo" must contain at least one section',
      'git.config.key: key ".foo.bar" must not start or end with a dot',
      'git.config.key: key "foo.bar." must not start or end with a dot',
      'git.config.key: key "foo.bar=value" cannot contain "="',
      'git.config.key: key "foo.b r" failed regexp validation',
    ],
  ],
  [
    "a storage used twice",
    "[[storage]]\nname = 'default'\npath = 'FOLDER/one'",
    ['storage.[1].name: not unique: "default"', 'storage.[1].path: not unique: "FOLDER/one"'],
  ],
  [
    "nested storages",
    "[[storage]]\nname = 'b'\npath = 'FOLDER/one/nested'\n[[storage]]\nname = 'c'\npath = 'FOLDER/one-more'",
    ['storage.[1].path: can\'t nest: "FOLDER/one/nested" and "FOLDER/one"'],
  ],
  [
    "storages that are no directories",
    "[[storage]]\npath = 'FOLDER/secret'\n[[storage]]\nname = 'x'\npath = 'FOLDER/none'\n[[storage]]\nname = 'y'\npath = 'FOLDER/secret/x'",
    [
      "storage.[1].name: not set",
      'storage.[1].path: not a dir: "FOLDER/secret"',
      'storage.[2].path: doesn\'t exist: "FOLDER/none"',
      "storage.[3].path: stat FOLDER/secret/x: not a directory",
      'storage.[3].path: can\'t nest: "FOLDER/secret/x" and "FOLDER/secret"',
    ],
  ],
  [
    "metrics",
    "[prometheus]\nscrape_timeout = '-1ns'\ngrpc_latency_buckets = [10.0, -4.2]",
    [
      "prometheus.scrape_timeout: not in range: -1ns is not greater than or equal to 0s",
      "prometheus.grpc_latency_buckets: bad order: expected asc: [10 -4.2]",
    ],
  ],
  [
    "two tokens",
    "[auth]\ntoken = 'a'\ntoken_file = 'FOLDER/token'",
    ["auth.token.token_file: token and token_file are mutually exclusive"],
  ],
  ["a private token file", "[auth]\ntoken_file = 'FOLDER/token'", []],
  [
    "an open token file",
    "[auth]\ntoken_file = 'FOLDER/open-token'",
    ["auth.token_file: file permission 0644 is too permissive, should be 0600 or 0400"],
  ],
  [
    "two TLS keys",
    "[tls]\ncertificate_path = 'a'\nkey_path = 'b'\nkey = 'c'",
    ["tls.key_path.key: key_path and key cannot both be set"],
  ],
  [
    "missing TLS files",
    "[tls]\ncertificate_path = 'FOLDER/none'\nkey_path = 'FOLDER/bin'",
    [
      'tls.certificate_path: doesn\'t exist: "FOLDER/none"',
      'tls.key_path: not a file: "FOLDER/bin"',
    ],
  ],
  [
    "a TLS file that is no certificate",
    "[tls]\ncertificate_path = 'FOLDER/secret'\nkey_path = 'FOLDER/secret'",
    [
      "tls.certificate_path: loading x509 keypair: tls: failed to find any PEM data in certificate input",
    ],
  ],
  [
    "HTTP settings",
    "[gitlab.http-settings]\nuser = 'u'\nca_file = 'FOLDER/bin'\nca_path = 'FOLDER/secret'",
    [
      "gitlab.http-settings.password: blank or empty",
      'gitlab.http-settings.ca_file: not a file: "FOLDER/bin"',
      'gitlab.http-settings.ca_path: not a dir: "FOLDER/secret"',
    ],
  ],
  [
    "gitlab-shell",
    "[gitlab-shell]\ndir = 'FOLDER/none'",
    ['gitlab-shell.dir: doesn\'t exist: "FOLDER/none"'],
  ],
  [
    "the maintenance window",
    "[daily_maintenance]\nstart_hour = 24\nstart_minute = 60\nduration = '24h1s'\nstorages = ['default', 'x']",
    [
      "daily_maintenance.start_hour: not in range: 24 out of [0, 23]",
      "daily_maintenance.start_minute: not in range: 60 out of [0, 59]",
      "daily_maintenance.duration: not in range: 24h0m1s out of [0s, 24h0m0s]",
      'daily_maintenance.storages.[1]: doesn\'t exist: "x"',
    ],
  ],
  ["a disabled maintenance window", "[daily_maintenance]\ndisabled = true\nstart_hour = 99", []],
  [
    "control groups",
    `[cgroups]
     memory_bytes = 256
     cpu_shares = 2
     cpu_quota_us = 16000
     [cgroups.repositories]
     count = 2
     max_cgroups_per_repo = 3
     memory_bytes = 1024
     cpu_shares = 16
     cpu_quota_us = 32000`,
    [
      "cgroups.repositories.max_cgroups_per_repo: not in range: 3 out of [0, 2]",
      "cgroups.repositories.memory_bytes: not in range: 1024 out of [0, 256]",
      "cgroups.repositories.cpu_shares: not in range: 16 out of [0, 2]",
      "cgroups.repositories.cpu_quota_us: not in range: 32000 out of [0, 16000]",
    ],
  ],
  [
    "negative control groups",
    "[cgroups]\nmemory_bytes = -1\ncpu_quota_us = -1",
    [
      "cgroups.repositories.memory_bytes: not supported: -1",
      "cgroups.repositories.cpu_quota_us: not supported: -1",
    ],
  ],
  [
    "concurrency",
    `[[concurrency]]
     max_per_repo = 1
     [[concurrency]]
     max_concurrency = -1
     max_per_repo = -2
     max_queue_size = -3
     max_queue_wait = "-1m"
     adaptive = true
     max_limit = 1
     initial_limit = 2
     min_limit = 3
     [concurrency.unauthenticated]
     adaptive = true`,
    [
      "concurrency.[1].max_concurrency: not in range: -1 is not greater than or equal to 0",
      "concurrency.[1].max_per_repo: not in range: -2 is not greater than or equal to 0",
      "concurrency.[1].max_queue_size: not in range: -3 is not greater than 0",
      "concurrency.[1].max_queue_wait: not in range: -1m0s is not greater than or equal to 0s",
      "concurrency.[1].max_limit: not in range: 1 is not greater than or equal to 2",
      "concurrency.[1].initial_limit: not in range: 2 is not greater than or equal to 3",
      "concurrency.[1].unauthenticated.max_queue_size: not in range: 0 is not greater than 0",
      "concurrency.[1].unauthenticated.min_limit: not in range: 0 is not greater than 0",
    ],
  ],
  [
    "limits of pack-objects",
    "[pack_objects_limiting]\nmax_concurrency = -1\nmax_queue_size = -2\nmax_queue_length = -3\nmax_queue_wait = '-1s'",
    [
      "pack_objects_limiting.max_concurrency: not in range: -1 is not greater than or equal to 0",
      "pack_objects_limiting.max_queue_wait: not in range: -1s is not greater than or equal to 0s",
      "pack_objects_limiting.max_queue_size: not in range: -2 is not greater than 0",
      "pack_objects_limiting.max_queue_length: not in range: -3 is not greater than 0",
    ],
  ],
  [
    "the pack-objects cache",
    "[pack_objects_cache]\nenabled = true\ndir = 'relative'\nmax_age = '-1s'",
    [
      'pack_objects_cache.dir: not an absolute path: "relative"',
      "pack_objects_cache.max_age: not in range: -1s is not greater than or equal to 0s",
    ],
  ],
  [
    "backups",
    "[backup]\ngo_cloud_url = '%invalid%'\nwal_backup_go_cloud_url = ':'",
    [
      'backup.go_cloud_url: parse "%invalid%": invalid URL escape "%in"',
      'backup.wal_backup_go_cloud_url: parse ":": missing protocol scheme',
    ],
  ],
  [
    "Raft without transactions",
    "[raft]\nenabled = true\nsnapshot_dir = 'none'",
    [
      "raft.enabled: transactions must be enabled to enable Raft",
      "raft.cluster_id: not set",
      'raft.snapshot_dir: not an absolute path: "none"',
      'raft: doesn\'t exist: "none"',
    ],
  ],
  [
    "Raft's cluster",
    "[transactions]\nenabled = true\n[raft]\nenabled = true\nsnapshot_dir = 'FOLDER/bin'\ncluster_id = 'x'",
    ["raft.cluster_id: invalid UUID format for ClusterID: invalid UUID length: 1"],
  ],
  [
    "offloading",
    "[offloading]\nenabled = true\ngo_cloud_url = '%invalid%'\ncache_root = 'none'",
    [
      'offloading.go_cloud_url: parse "%invalid%": invalid URL escape "%in"',
      'offloading.cache_root: not an absolute path: "none"',
      'offloading: doesn\'t exist: "none"',
    ],
  ],
];

for (const [what, addition, expected] of CASES) {
  test(`findProblems on ${what}`, async (t) => {
    const { folder, document } = prepare(t);
    const problems = await problemsOf(`${document}\n${addition.replaceAll("FOLDER", folder)}`);
    assert.deepEqual(
      problems,
      expected.map((problem) => problem.replaceAll("FOLDER", folder)),
    );
  });
}

test("two ways to give GitLab's secret are ambiguous", async (t) => {
  const { document } = prepare(t);
  const problems = await problemsOf(document.replace("[gitlab]", "[gitlab]\nsecret = 'x'"));
  assert.deepEqual(problems, ["gitlab.secret.secret_file: ambiguous secret configuration"]);
});

test("a negative restart timeout and a missing runtime directory are told", async (t) => {
  const { folder, document } = prepare(t);
  const head = `graceful_restart_timeout = "-1s"\nruntime_dir = "${folder}/none"\n`;
  assert.deepEqual(await problemsOf(head + document), [
    `runtime_dir: doesn't exist: "${folder}/none"`,
    "graceful_restart_timeout: not in range: -1s is not greater than or equal to 0s",
  ]);
});
