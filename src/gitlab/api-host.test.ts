import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { TLSSocket } from "node:tls";
import { request } from "undici";
import { temporaryDirectory } from "../testing/git-repository.ts";
import { selfSignedCertificate } from "../testing/self-signed-certificate.ts";
import { listenForTest, startTestGitlab } from "../testing/test-gitlab.ts";
import { type ApiHost, openApiHost } from "./api-host.ts";
import type { ApiSettings } from "./api-settings.ts";

const HTTP = { readTimeoutSeconds: 0, user: "", password: "", caFile: "", caPath: "" };

function open(t: TestContext, url: string, changes: Partial<ApiSettings> = {}): ApiHost {
  const settings = { url, relativeUrlRoot: "", http: HTTP, secret: "", secretFile: "", ...changes };
  const host = openApiHost(settings, undefined);
  t.after(() => host.dispatcher.close());
  return host;
}

async function statusOf({ baseUrl, dispatcher }: ApiHost): Promise<number> {
  const { statusCode, body } = await request(`${baseUrl}/path`, { dispatcher });
  await body.dump();
  return statusCode;
}

test("GitLab is found behind a unix socket, below its root", async (t) => {
  const socketPath = join(temporaryDirectory(t), "gitlab socket");
  const { received } = await startTestGitlab(t, {}, { socketPath });
  for (const [url, relativeUrlRoot, path] of [
    [`http+unix://${encodeURIComponent(socketPath)}`, "", "/path"],
    [`http+unix://${socketPath}`, "/", "/path"],
    [`http+unix://${socketPath}`, "/gitlab/", "/gitlab/path"],
  ] as const) {
    assert.equal(await statusOf(open(t, url, { relativeUrlRoot })), 200);
    assert.equal(received.at(-1)?.url, path);
  }
});

test("GitLab is found at an escaped address, below its path", async (t) => {
  const { received, host } = await startTestGitlab(t, {});
  assert.equal(await statusOf(open(t, encodeURIComponent(`http://${host}/gitlab`))), 200);
  assert.equal(received[0]?.url, "/gitlab/path");
});

test("GitLab's certificate has to be trusted", async (t) => {
  const certificate = selfSignedCertificate();
  const { host } = await startTestGitlab(t, {}, { certificate });
  const folder = temporaryDirectory(t);
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, certificate.certificate);
  const broken = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
  writeFileSync(join(folder, "broken.pem"), broken);
  const url = `https://${host}`;
  await assert.rejects(statusOf(open(t, url)), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  assert.equal(await statusOf(open(t, url, { http: { ...HTTP, caFile } })), 200);
  assert.equal(await statusOf(open(t, url, { http: { ...HTTP, caPath: folder } })), 200);
});

test("GitLab is shown the server's certificate", async (t) => {
  const { certificate, key } = selfSignedCertificate();
  const server = createServer({ cert: certificate, key, ca: certificate, requestCert: true });
  const shown = new Promise((resolve) => {
    server.on("request", ({ socket }, response) => {
      resolve(socket instanceof TLSSocket && socket.authorized);
      response.end();
    });
  });
  const url = `https://${await listenForTest(t, server)}`;
  const caFile = join(temporaryDirectory(t), "ca.pem");
  writeFileSync(caFile, certificate);
  const settings = {
    url,
    relativeUrlRoot: "",
    http: { ...HTTP, caFile },
    secret: "",
    secretFile: "",
  };
  const host = openApiHost(settings, { certificate, key });
  t.after(() => host.dispatcher.close());
  assert.equal(await statusOf(host), 200);
  assert.equal(await shown, true);
});

test("an address or a certificate that can't be used is refused", (t) => {
  const doing = "building new HTTP client for GitLab API";
  assert.throws(() => open(t, "ftp://gitlab"), { message: `${doing}: unknown GitLab URL prefix` });
  const http = { ...HTTP, caFile: "/no/ca" };
  assert.throws(() => open(t, "https://gitlab", { http }), {
    message: `${doing}: cannot find cafile "/no/ca": cafile not found`,
  });
});
