import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadConfig } from "./load-config.ts";
import { settingsWithoutEffect } from "./settings-without-effect.ts";

const DOCUMENT = `
use_libp2p_yamux = true
[adaptive_limiting]
cpu_throttled_threshold = 0.5
memory_threshold = 0.5
[adaptive_limiting.psi_pressure.io]
enabled = true
[backup]
wal_backup_go_cloud_url = "s3://bucket"
[cgroups]
count = 3
[git]
catfile_cache_size = 5
[hooks]
packobjects_hook_max_proc = 2
[load_shedder]
enabled = true
[logging]
sentry_dsn = "https://sentry.example.com"
[raft]
enabled = true
[transactions]
enabled = true
recover_pending_wal = true
`;

async function foundIn(document: string): Promise<readonly string[]> {
  return settingsWithoutEffect(await loadConfig(document, new AbortController().signal));
}

test("settings that are set in vain are found, and documented", async () => {
  assert.deepEqual(await foundIn(""), []);
  const found = await foundIn(DOCUMENT);
  assert.equal(found.length, 12, found.join(" "));
  const url = new URL("../../../docs/configuration.md", import.meta.url);
  const documented = readFileSync(url, "utf8");
  assert.deepEqual(
    found.filter((key) => !documented.includes(`\`${key}\``)),
    [],
  );
});
