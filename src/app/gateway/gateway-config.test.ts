import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { ConfigError } from "../config/config-error.ts";
import { loadGatewayConfig } from "./gateway-config.ts";

function write(t: TestContext, text: string): { readonly path: string; readonly folder: string } {
  const folder = temporaryDirectory(t);
  const path = join(folder, "gateway.toml");
  writeFileSync(path, text);
  return { path, folder };
}

const SERVER = 'http_listen_addr = "127.0.0.1:0"\n[server]\naddress = "unix:/x"\n';

test("loadGatewayConfig reads every key", async (t) => {
  const { path, folder } = write(
    t,
    `
http_listen_addr = "127.0.0.1:8080"
ssh_listen_addr = "[::1]:2222"
host_key_dir = "keys"
storage = "other"
create_on_push = true
authorized_keys = ["ssh-ed25519 AAAA one"]
authorized_keys_file = "keys.txt"
log_format = "json"
log_level = "debug"
feature_flags = ["bundle_uri"]
[bundles]
dir = "bundles"
secret_key_file = "bundles.key"
[server]
address = "tcp://127.0.0.1:2305"
token_file = "token"
[[token]]
username = "ada"
token = "t"
`,
  );
  writeFileSync(join(folder, "keys.txt"), "ssh-rsa BBBB two\n");
  writeFileSync(join(folder, "token"), "secret\n");
  assert.deepEqual(await loadGatewayConfig(path), {
    httpListenAddr: "127.0.0.1:8080",
    sshListenAddr: "[::1]:2222",
    hostKeyDir: join(folder, "keys"),
    storage: "other",
    createOnPush: true,
    server: { address: "tcp://127.0.0.1:2305", token: "secret", tokenFile: "token" },
    tokens: [{ username: "ada", token: "t" }],
    authorizedKeys: ["ssh-ed25519 AAAA one", "ssh-rsa BBBB two", ""],
    authorizedKeysFile: "keys.txt",
    featureFlags: ["bundle_uri"],
    bundles: { dir: join(folder, "bundles"), secretKeyFile: join(folder, "bundles.key") },
    logFormat: "json",
    logLevel: "debug",
  });
});

test("loadGatewayConfig lists all problems at once", async (t) => {
  const { path } = write(
    t,
    'storage = ""\n[server]\ntoken = "a"\ntoken_file = "b"\n[bundles]\ndir = "b"\n[[token]]\n',
  );
  await assert.rejects(loadGatewayConfig(path), (error) => {
    assert.ok(error instanceof ConfigError);
    for (const key of [
      "http_listen_addr",
      "storage",
      "server.address",
      "server.token_file",
      "bundles.secret_key_file",
      "token",
      "username",
    ]) {
      assert.ok(error.message.includes(key), `${key}: ${error.message}`);
    }
    return true;
  });
});

test("loadGatewayConfig says what it can't read", async (t) => {
  for (const [text, said] of [
    ["http_listen_addr = ", /gateway\.toml: /],
    ["create_on_push = 1", /create_on_push/],
    [`${SERVER}token_file = "missing"`, /missing: no such file or directory/],
  ] as const) {
    const { path } = write(t, text);
    await assert.rejects(loadGatewayConfig(path), { name: "Error", message: said });
  }
  await assert.rejects(loadGatewayConfig("/missing/gateway.toml"), ConfigError);
});

test("loadGatewayConfig puts up with a missing file of authorized keys", async (t) => {
  const { path } = write(t, `authorized_keys_file = "none"\n${SERVER}`);
  assert.deepEqual((await loadGatewayConfig(path)).authorizedKeys, []);
});

test("loadGatewayConfig lets whoever starts the gateway say where", async (t) => {
  const { path } = write(t, "create_on_push = true\n");
  const imposed = {
    httpListenAddr: "127.0.0.1:1",
    sshListenAddr: "127.0.0.1:2",
    server: { address: "tcp://127.0.0.1:3" },
  };
  const config = await loadGatewayConfig(path, imposed);
  assert.equal(config.httpListenAddr, "127.0.0.1:1");
  assert.equal(config.server.address, "tcp://127.0.0.1:3");
});
