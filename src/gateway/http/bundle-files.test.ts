import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { UrlSigner } from "../../base/signed-url/url-signer.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { testBackend } from "../../testing/test-backend.ts";
import { listenForTest } from "../../testing/test-gitlab.ts";
import { HttpAccess } from "../access/http-access.ts";
import { BundleFiles } from "./bundle-files.ts";
import { createHttpGateway } from "./http-gateway.ts";

const SECRET = Buffer.from("secret");
const LATER = 10_000_000_000;

/** Starts a gateway that asks for tokens; returns what gets a bundle by its name. */
async function start(t: TestContext) {
  const folder = temporaryDirectory(t);
  const server = createHttpGateway({
    backend: testBackend(),
    access: new HttpAccess([{ username: "a", token: "t" }]),
    storageName: "default",
    createOnPush: false,
    logger: silentLogger,
    bundles: new BundleFiles({ folder, secret: SECRET }),
  });
  const baseUrl = `http://${await listenForTest(t, server)}/-/bundles`;
  const get = (name: string, expiry = LATER, secret: Uint8Array = SECRET) =>
    fetch(new UrlSigner({ baseUrl, secret }).sign(name, expiry));
  return { folder, baseUrl, get };
}

test("BundleFiles serves a bundle to who has its signed URL", async (t) => {
  const { folder, get } = await start(t);
  mkdirSync(join(folder, "s/a b.git"), { recursive: true });
  const content = Buffer.alloc(300_000, "bundle");
  writeFileSync(join(folder, "s/a b.git/x.bundle"), content);
  writeFileSync(join(folder, "s/empty.bundle"), "");
  const response = await get("s/a b.git/x.bundle");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-length"), String(content.length));
  assert.equal(response.headers.get("cache-control"), "no-store, no-transform");
  assert.ok(content.equals(Buffer.from(await response.arrayBuffer())));
  assert.equal(await (await get("s/empty.bundle")).text(), "");
});

test("BundleFiles serves nothing else", async (t) => {
  const { folder, baseUrl, get } = await start(t);
  mkdirSync(join(folder, "d.bundle"));
  for (const name of ["x.bundle", "x.txt"]) writeFileSync(join(folder, name), "x");
  const refused = [
    () => get("x.bundle", 1),
    () => get("x.bundle", LATER, Buffer.from("guessed")),
    ...["x.txt", "d.bundle", "missing.bundle", "../x.bundle", "/x.bundle", "a\0.bundle"].map(
      (name) => () => get(name),
    ),
    () => fetch(baseUrl),
    () => fetch(`${baseUrl}?obj=x.bundle`),
  ];
  for (const ask of refused) assert.equal((await ask()).status, 404);
});
