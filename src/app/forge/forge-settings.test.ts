import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { readForgeSettings } from "./forge-settings.ts";

test("readForgeSettings has defaults for everything", () => {
  const { folder, grpcPort, httpPort, sshPort } = readForgeSettings({ FORGE_DIR: "" });
  assert.deepEqual([folder, grpcPort, httpPort, sshPort], [resolve("forge"), 2305, 8080, 2222]);
});

test("readForgeSettings takes folder and ports from the environment", () => {
  const settings = readForgeSettings({ FORGE_DIR: "/x", GRPC_PORT: "1", HTTP_PORT: "65535" });
  assert.equal(settings.gatewayConfigPath, "/x/gateway.toml");
  assert.deepEqual([settings.grpcPort, settings.httpPort], [1, 65_535]);
});

test("readForgeSettings names the variable that holds no port", () => {
  for (const port of ["0", "65536", "-1", "1.5", "http", " 80"]) {
    assert.throws(() => readForgeSettings({ SSH_PORT: port }), {
      message: `SSH_PORT: ${port} is no port`,
    });
  }
});
