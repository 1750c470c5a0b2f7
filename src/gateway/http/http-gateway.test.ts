import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";
import { silentLogger } from "../../base/log/logger.ts";
import { type TestBackend, testBackend } from "../../testing/test-backend.ts";
import { listenForTest } from "../../testing/test-gitlab.ts";
import { HttpAccess } from "../access/http-access.ts";
import type { GitBackend } from "../backend/git-backend.ts";
import { createHttpGateway, type HttpGatewayOptions } from "./http-gateway.ts";

interface Started {
  readonly backend: TestBackend;
  readonly url: string;
}

async function start(
  t: TestContext,
  backendChanges: Partial<GitBackend> = {},
  options: Partial<HttpGatewayOptions> = {},
): Promise<Started> {
  const backend = testBackend(backendChanges);
  const server = createHttpGateway({
    backend,
    access: new HttpAccess([]),
    storageName: "default",
    createOnPush: false,
    logger: silentLogger,
    ...options,
  });
  return { backend, url: `http://${await listenForTest(t, server)}` };
}

const UPLOAD = { "content-type": "application/x-git-upload-pack-request" };

async function post(url: string, body: Uint8Array, headers: Record<string, string>) {
  const response = await fetch(url, { method: "POST", body: Buffer.from(body), headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("the gateway advertises references", async (t) => {
  const { backend, url } = await start(t);
  const path = `${url}/group/project.git/info/refs?service=git-upload-pack`;
  const response = await fetch(path, { headers: { "Git-Protocol": "version=2" } });
  assert.equal(response.status, 200);
  const type = "application/x-git-upload-pack-advertisement";
  assert.equal(response.headers.get("content-type"), type);
  assert.match(response.headers.get("cache-control") ?? "", /no-cache/);
  assert.equal(await response.text(), "refs version=2");
  const head = await fetch(path, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  const push = await fetch(`${url}/a/info/refs?service=git-receive-pack`);
  assert.equal(await push.text(), "refs ");
  assert.deepEqual(backend.asked, [
    "info-refs upload-pack group/project.git user-anonymous",
    "info-refs upload-pack group/project.git user-anonymous",
    "info-refs receive-pack a.git user-anonymous",
  ]);
});

test("the gateway passes bodies on, also compressed ones", async (t) => {
  const { url } = await start(t);
  const path = `${url}/a.git/git-upload-pack`;
  const plain = await post(path, Buffer.from("0000"), UPLOAD);
  assert.deepEqual([plain.status, plain.text], [200, "0000"]);
  assert.equal(plain.headers.get("content-type"), "application/x-git-upload-pack-result");
  for (const encoding of ["gzip", "x-gzip"]) {
    const headers = { ...UPLOAD, "content-encoding": encoding };
    const { text: answer } = await post(path, gzipSync("wants"), headers);
    assert.equal(answer, "wants");
  }
  const headers = { ...UPLOAD, "content-encoding": "gzip" };
  const broken = await post(path, Buffer.from("no gzip"), headers);
  assert.deepEqual([broken.status, broken.text], [400, "the request's body is no gzip\n"]);
});

test("the gateway knows nothing but git's requests", async (t) => {
  const { backend, url } = await start(t);
  for (const [method, path, status] of [
    ["GET", "/a.git/info/refs", 404],
    ["GET", "/a.git/info/refs?service=git-upload-archive", 404],
    ["GET", "/a.git/HEAD", 404],
    ["POST", "/a.git/info/refs?service=git-upload-pack", 404],
    ["PUT", "/a.git/git-upload-pack", 404],
    ["GET", "/%zz/info/refs?service=git-upload-pack", 404],
    ["GET", "/a%00.git/info/refs?service=git-upload-pack", 404],
    ["GET", "/a/..%2fb/info/refs?service=git-upload-pack", 404],
    ["POST", "/a.git/git-upload-pack", 415],
    ["GET", "/", 200],
  ] as const) {
    const response = await fetch(`${url}${path}`, { method });
    assert.equal(response.status, status, `${method} ${path}`);
    await response.text();
  }
  assert.deepEqual(backend.asked, []);
});

test("the gateway admits holders of a token, and says who they are", async (t) => {
  const access = new HttpAccess([{ username: "ada", token: "secret" }]);
  const { backend, url } = await start(t, {}, { access });
  const ask = async (authorization?: string): Promise<Response> => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${url}/a/info/refs?service=git-upload-pack`, { headers });
    await response.text();
    return response;
  };
  const basic = (text_: string): string => `Basic ${Buffer.from(text_).toString("base64")}`;
  for (const wrong of [undefined, "Bearer x", basic("ada:x"), basic(""), "Digest secret"]) {
    const { status, headers } = await ask(wrong);
    assert.deepEqual([status, headers.get("www-authenticate")], [401, 'Basic realm="git"']);
  }
  for (const right of ["Bearer secret", basic("any:secret"), basic("secret:")]) {
    assert.equal((await ask(right)).status, 200);
  }
  const asked = "info-refs upload-pack a.git username-ada";
  assert.deepEqual(backend.asked, [asked, asked, asked]);
});

test("the gateway tells what a client can do about a failure", async (t) => {
  let kind: ErrorKind | undefined;
  const fail = (): never => {
    throw kind === undefined ? new Error("secret") : new DomainError(kind, "for you");
  };
  const { url } = await start(t, {
    infoRefs: async function* () {
      yield fail();
    },
  });
  for (const [failure, status, told] of [
    ["not-found", 404, "for you"],
    ["invalid-argument", 400, "for you"],
    ["resource-exhausted", 429, "for you"],
    ["unavailable", 503, "for you"],
    ["deadline-exceeded", 504, "for you"],
    ["unauthenticated", 502, "bad gateway"],
    ["permission-denied", 502, "bad gateway"],
    ["internal", 500, "internal server error"],
    [undefined, 500, "internal server error"],
  ] as const) {
    kind = failure;
    const response = await fetch(`${url}/a/info/refs?service=git-upload-pack`);
    assert.deepEqual([response.status, await response.text()], [status, `${told}\n`], told);
  }
});

test("the gateway breaks an answer off rather than let it look complete", async (t) => {
  const { url } = await start(t, {
    infoRefs: async function* () {
      yield Buffer.from("some");
      throw new DomainError("internal", "broken");
    },
  });
  await assert.rejects(async () => {
    const response = await fetch(`${url}/a/info/refs?service=git-upload-pack`);
    await response.text();
  });
});

test("the gateway makes repositories for pushes, if it is told to", async (t) => {
  const { backend, url } = await start(t, {}, { createOnPush: true });
  for (const service of ["upload-pack", "receive-pack"]) {
    await (await fetch(`${url}/new/info/refs?service=git-${service}`)).text();
  }
  assert.deepEqual(backend.asked, [
    "info-refs upload-pack new.git user-anonymous",
    "exists new.git",
    "create new.git",
    "info-refs receive-pack new.git user-anonymous",
  ]);
});

test("the gateway ends what it does for a client that has gone", async (t) => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const { url } = await start(t, {
    postUploadPack: async ({ signal }, { output }) => {
      output.write("start");
      await once(signal, "abort");
      resolve();
    },
  });
  const request = httpRequest(`${url}/a.git/git-upload-pack`, { method: "POST", headers: UPLOAD });
  request.on("error", () => undefined);
  request.end("0000");
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  await once(response, "data");
  request.destroy();
  await ended;
});

test("the gateway's page shows how to push", async (t) => {
  const { url } = await start(t);
  const request = httpRequest(`${url}/`, { headers: { host: '"><script>' } }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const page = await text(response);
  assert.match(page, /git push http:/);
  assert.doesNotMatch(page, /<script>/);
});
