import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { loadGatewayConfig } from "../gateway/gateway-config.ts";
import { readForgeSettings } from "./forge-settings.ts";
import { prepareForge } from "./prepare-forge.ts";

test("prepareForge makes what a forge needs, and keeps what its owner has written", async (t) => {
  const settings = readForgeSettings({ FORGE_DIR: join(temporaryDirectory(t), "a/forge") });
  await prepareForge(settings);
  assert.equal(statSync(settings.folder).mode & 0o777, 0o700);
  assert.match(
    readFileSync(settings.serverConfigPath, "utf8"),
    /listen_addr = "127\.0\.0\.1:2305"/,
  );
  const imposed = {
    httpListenAddr: "127.0.0.1:1",
    sshListenAddr: "",
    server: { address: "unix:/x" },
  };
  const config = await loadGatewayConfig(settings.gatewayConfigPath, imposed);
  assert.equal(config.createOnPush, true);

  writeFileSync(settings.gatewayConfigPath, "# mine\n");
  writeFileSync(settings.serverConfigPath, "# old\n");
  await prepareForge(settings);
  assert.equal(readFileSync(settings.gatewayConfigPath, "utf8"), "# mine\n");
  assert.doesNotMatch(readFileSync(settings.serverConfigPath, "utf8"), /# old/);
});
