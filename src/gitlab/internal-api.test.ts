import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { jwtVerify } from "jose";
import { silentLogger } from "../base/log/logger.ts";
import { type AccessRequest, RateLimitedError } from "../hooks/access/access-check.ts";
import { temporaryDirectory } from "../testing/git-repository.ts";
import {
  type GitlabAnswer,
  type GitlabRequest,
  listenForTest,
  startTestGitlab,
} from "../testing/test-gitlab.ts";
import { ApiError } from "./api-error.ts";
import type { ApiRequestsOptions } from "./api-requests.ts";
import type { ApiSettings } from "./api-settings.ts";
import { InternalApi } from "./internal-api.ts";

const SECRET = "a secret";
const CALLER = { correlationId: "correlation-1", remoteIp: "10.1.2.3" };
const PUSH: AccessRequest = {
  repositoryPath: "/storage/it's/a.git",
  relativePath: "it's/a.git",
  objectDirectory: "objects/incoming-1",
  alternateObjectDirectories: ["objects"],
  glRepository: "project-1",
  userId: "key-123",
  protocol: "ssh",
  changes: Buffer.from("0000 1111 refs/heads/main\n"),
  pushOptions: ["ci.skip"],
  clientContext: Buffer.from("context"),
};

function openApi(
  t: TestContext,
  url: string,
  changes: Partial<ApiSettings> = {},
  observeLatency?: ApiRequestsOptions["observeLatency"],
): InternalApi {
  const api = new InternalApi({
    settings: {
      url,
      relativeUrlRoot: "",
      http: { readTimeoutSeconds: 0, user: "", password: "", caFile: "", caPath: "" },
      secret: SECRET,
      secretFile: "",
      ...changes,
    },
    userAgent: "gitaly/test",
    logger: silentLogger,
    observeLatency,
  });
  t.after(() => api[Symbol.asyncDispose]());
  return api;
}

async function asked(
  t: TestContext,
  answer: GitlabAnswer,
  changes: Partial<ApiSettings> = {},
): Promise<{ readonly received: readonly GitlabRequest[]; readonly api: InternalApi }> {
  const { received, host } = await startTestGitlab(t, answer);
  return { received, api: openApi(t, `http://${host}`, changes) };
}

test("allowed tells GitLab everything about the push", async (t) => {
  const http = { readTimeoutSeconds: 5, user: "rails", password: "pw", caFile: "", caPath: "" };
  const { received, api } = await asked(t, { body: '{"status": true}' }, { http });
  const answer = await api.allowed(PUSH, { ...CALLER, signal: t.signal });
  assert.deepEqual(answer, { allowed: true, message: "" });
  const [request] = received;
  assert.equal(request?.method, "POST");
  assert.equal(request?.url, "/api/v4/internal/allowed");
  assert.deepEqual(request?.body, {
    action: "git-receive-pack",
    gl_repository: "project-1",
    project: "/storage/its/a.git",
    changes: "0000 1111 refs/heads/main\n",
    protocol: "ssh",
    relative_path: "it's/a.git",
    env: JSON.stringify({
      GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE: ["objects"],
      GIT_OBJECT_DIRECTORY_RELATIVE: "objects/incoming-1",
    }),
    key_id: "123",
    push_options: ["ci.skip"],
    gitaly_client_context_bin: Buffer.from("context").toString("base64"),
  });
  const headers = request?.headers;
  assert.equal(headers?.["user-agent"], "gitaly/test");
  assert.equal(headers?.["x-request-id"], "correlation-1");
  assert.equal(headers?.["x-forwarded-for"], "10.1.2.3");
  assert.equal(headers?.["content-type"], "application/json");
  assert.equal(headers?.["connection"], "keep-alive");
  assert.equal(headers?.["authorization"], `Basic ${Buffer.from("rails:pw").toString("base64")}`);
});

test("requests carry a token signed with the secret and good for a minute", async (t) => {
  const secretFile = join(temporaryDirectory(t), "secret");
  writeFileSync(secretFile, "  of the file \n");
  const { received, api } = await asked(t, { body: "{}" }, { secret: "", secretFile });
  await api.allowed(PUSH, { ...CALLER, signal: t.signal });
  const token = String(received[0]?.headers["gitlab-shell-api-request"]);
  const verified = await jwtVerify(token, Buffer.from("of the file"), { algorithms: ["HS256"] });
  assert.equal(verified.payload.iss, "gitlab-shell");
  assert.equal(Number(verified.payload.exp) - Number(verified.payload.iat), 60);
  assert.equal(verified.protectedHeader.typ, "JWT");
});

test("an empty secret signs, too", async (t) => {
  const secretFile = join(temporaryDirectory(t), "secret");
  writeFileSync(secretFile, "\n");
  const { received, api } = await asked(t, { body: "{}" }, { secret: "", secretFile });
  await api.allowed(PUSH, { ...CALLER, signal: t.signal });
  const token = String(received[0]?.headers["gitlab-shell-api-request"]);
  const [header, payload, signature] = token.split(".");
  const expected = createHmac("sha256", "").update(`${header}.${payload}`).digest("base64url");
  assert.equal(signature, expected);
});

test("fields without a value are left out of a request", async (t) => {
  const { received, api } = await asked(t, { body: "{}" });
  const push: AccessRequest = {
    ...PUSH,
    objectDirectory: "",
    alternateObjectDirectories: undefined,
    userId: "username-root",
    pushOptions: [],
    clientContext: undefined,
  };
  await api.allowed(push, { correlationId: "", remoteIp: "", signal: t.signal });
  const body = Object(received[0]?.body);
  assert.equal(body.username, "root");
  for (const name of ["key_id", "user_id", "push_options", "gitaly_client_context_bin"]) {
    assert.ok(!(name in body), name);
  }
  assert.deepEqual(JSON.parse(body.env), {
    GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE: null,
    GIT_OBJECT_DIRECTORY_RELATIVE: "",
  });
  assert.equal(received[0]?.headers["x-forwarded-for"], undefined);
  assert.equal(received[0]?.headers["authorization"], undefined);
});

test("a user that is no key, user or name is refused before GitLab is asked", async (t) => {
  const { received, api } = await asked(t, { body: "{}" });
  for (const userId of ["", "123", "key-12a", "user-", "deploy-1"]) {
    await assert.rejects(api.allowed({ ...PUSH, userId }, { ...CALLER, signal: t.signal }), {
      message: `setting gl_id: gl_id="${userId}" is invalid`,
    });
  }
  assert.equal(received.length, 0);
});

const ALLOWED_ANSWERS: readonly (GitlabAnswer & { allowed?: boolean; message: string })[] = [
  { body: '{"status":true}', allowed: true, message: "" },
  { status: 300, body: '{"status":true}', allowed: true, message: "" },
  { body: '{"status":false,"message":"no"}', allowed: false, message: "no" },
  { body: "{}", allowed: false, message: "" },
  { body: "null", allowed: false, message: "" },
  { status: 204, message: "gitlab api is not accessible: 204" },
  { status: 302, message: "gitlab api is not accessible: 302" },
  { status: 401, message: "Internal API error (401)" },
  { status: 401, body: '{"message":"you may not"}', message: "you may not" },
  { status: 404, body: '{"message":"not found"}', message: "not found" },
  { status: 404, body: "<html>", message: "Internal API error (404)" },
  { status: 500, body: '{"status":true}', message: "" },
  { status: 500, body: '{"message":5}', message: "Internal API error (500)" },
  {
    body: "no",
    message:
      "decoding response from /allowed endpoint: invalid character 'o' in literal null (expecting 'u')",
  },
  {
    body: "<html>",
    message:
      "decoding response from /allowed endpoint: invalid character '<' looking for beginning of value",
  },
  { body: '{"status":', message: "decoding response from /allowed endpoint: unexpected EOF" },
  { body: "", message: "decoding response from /allowed endpoint: EOF" },
  {
    body: '{"status":"yes"}',
    message: "decoding response from /allowed endpoint: unexpected status",
  },
  {
    contentType: "bad mime type",
    message:
      "/allowed endpoint respond with unsupported content type: mime: expected slash after first token",
  },
  {
    contentType: "",
    message: "/allowed endpoint respond with unsupported content type: mime: no media type",
  },
  {
    contentType: "application/json; charset",
    message:
      "/allowed endpoint respond with unsupported content type: mime: invalid media parameter",
  },
  {
    contentType: "text/html; charset=utf-8",
    message: "/allowed endpoint respond with unsupported content type: text/html",
  },
  { contentType: "Application/JSON; charset=utf-8", body: "{}", allowed: false, message: "" },
];

for (const { allowed, message, ...answer } of ALLOWED_ANSWERS) {
  test(`allowed understands ${JSON.stringify(answer)}`, async (t) => {
    const { api } = await asked(t, answer);
    const calling = api.allowed(PUSH, { ...CALLER, signal: t.signal });
    if (allowed !== undefined) assert.deepEqual(await calling, { allowed, message });
    else
      await assert.rejects(
        calling,
        (error) => error instanceof ApiError && error.message === message,
      );
  });
}

test("too many requests are an error of their own", async (t) => {
  const { api } = await asked(t, { status: 429, body: '{"message":"slow down"}' });
  await assert.rejects(api.allowed(PUSH, { ...CALLER, signal: t.signal }), RateLimitedError);
  await assert.rejects(api.preReceive("project-1", { ...CALLER, signal: t.signal }), {
    kind: "internal",
    message: "http post to gitlab api /pre_receive endpoint: rate limited",
  });
});

test("preReceive counts a push", async (t) => {
  const { received, api } = await asked(t, { body: '{"reference_counter_increased":true}' });
  assert.equal(await api.preReceive("project-1", { ...CALLER, signal: t.signal }), true);
  assert.equal(received[0]?.url, "/api/v4/internal/pre_receive");
  assert.deepEqual(received[0]?.body, { gl_repository: "project-1" });
});

const PRE_RECEIVE_ERRORS: readonly (GitlabAnswer & { message: string })[] = [
  { status: 201, message: "pre-receive call failed with status: 201" },
  {
    status: 503,
    body: '{"message":"server is down!"}',
    message: "http post to gitlab api /pre_receive endpoint: server is down!",
  },
  {
    contentType: "text",
    body: "{}",
    message: "/pre_receive endpoint respond with unsupported content type: text",
  },
  {
    body: "not json",
    message:
      "decoding response from /pre_receive endpoint: invalid character 'o' in literal null (expecting 'u')",
  },
];

for (const { message, ...answer } of PRE_RECEIVE_ERRORS) {
  test(`preReceive fails with ${message}`, async (t) => {
    const { api } = await asked(t, answer);
    await assert.rejects(api.preReceive("project-1", { ...CALLER, signal: t.signal }), { message });
  });
}

test("postReceive reports a push and returns GitLab's messages", async (t) => {
  const messages = [
    { type: "basic", message: "one" },
    { type: "alert", message: "two" },
  ];
  const body = JSON.stringify({ reference_counter_decreased: true, messages });
  const { received, api } = await asked(t, { body });
  const report = {
    glRepository: "project-1",
    userId: "user-1",
    changes: Buffer.from("a b refs/heads/\xff\n", "latin1"),
    pushOptions: [],
    clientContext: undefined,
  };
  assert.deepEqual(await api.postReceive(report, { ...CALLER, signal: t.signal }), {
    referenceCounterDecreased: true,
    messages,
  });
  assert.deepEqual(received[0]?.body, {
    gl_repository: "project-1",
    identifier: "user-1",
    changes: "a b refs/heads/\ufffd\n",
    gitaly_client_context_bin: null,
    push_options: null,
  });
});

test("postReceive names an invalid content type otherwise than an unsupported one", async (t) => {
  const report = { ...PUSH, pushOptions: [], clientContext: undefined };
  const invalid = await asked(t, { contentType: "a/" });
  await assert.rejects(invalid.api.postReceive(report, { ...CALLER, signal: t.signal }), {
    message:
      "/post_receive endpoint respond with invalid content type: mime: expected token after slash",
  });
  const unsupported = await asked(t, { contentType: "text/plain" });
  await assert.rejects(unsupported.api.postReceive(report, { ...CALLER, signal: t.signal }), {
    message: "/post_receive endpoint respond with unsupported content type: text/plain",
  });
});

test("check says what GitLab says of itself", async (t) => {
  const body = '{"gitlab_version":"19.0","gitlab_revision":"abc","api_version":"v4","redis":true}';
  const { received, api } = await asked(t, { body });
  assert.deepEqual(await api.check({ ...CALLER, signal: t.signal }), {
    version: "19.0",
    revision: "abc",
    apiVersion: "v4",
    isRedisReachable: true,
  });
  assert.equal(received[0]?.method, "GET");
  assert.equal(received[0]?.url, "/api/v4/internal/check");
});

test("check says why GitLab can't be asked", async (t) => {
  const refused = await asked(t, { status: 401 });
  await assert.rejects(refused.api.check({ ...CALLER, signal: t.signal }), {
    message: "HTTP GET to GitLab endpoint /check failed: Internal API error (401)",
  });
  const gone = openApi(t, "http://127.0.0.1:1");
  await assert.rejects(gone.check({ ...CALLER, signal: t.signal }), {
    message: "HTTP GET to GitLab endpoint /check failed: Internal API unreachable",
  });
});

test("a secret that can't be read is an error", (t) => {
  assert.throws(() => openApi(t, "http://gitlab", { secret: "", secretFile: "/no/secret" }), {
    message: "reading secret file: open /no/secret: no such file or directory",
  });
});

test("a request that was given up rejects with the reason", async (t) => {
  const server = createServer(() => undefined);
  const host = await listenForTest(t, server);
  const api = openApi(t, `http://${host}`);
  const abort = new AbortController();
  server.once("request", () => abort.abort(new Error("given up")));
  await assert.rejects(api.allowed(PUSH, { ...CALLER, signal: abort.signal }), {
    message: "given up",
  });
});

test("GitLab has to answer within the limit", async (t) => {
  const host = await listenForTest(
    t,
    createServer(() => undefined),
  );
  const http = { readTimeoutSeconds: 1, user: "", password: "", caFile: "", caPath: "" };
  const api = openApi(t, `http://${host}`, { http });
  await assert.rejects(api.allowed(PUSH, { ...CALLER, signal: t.signal }), {
    message: "Internal API unreachable",
  });
});

test("each request's latency is observed", async (t) => {
  const { host } = await startTestGitlab(t, { status: 401 });
  const seen: string[] = [];
  const api = openApi(t, `http://${host}`, {}, (metric, seconds) => {
    seen.push(seconds >= 0 ? metric : "negative");
  });
  const caller = { ...CALLER, signal: t.signal };
  await assert.rejects(api.allowed(PUSH, caller));
  await assert.rejects(api.preReceive("p", caller));
  await assert.rejects(api.postReceive(PUSH, caller));
  await assert.rejects(api.check(caller));
  assert.deepEqual(seen, ["allowed", "pre-receive", "post-receive", "check"]);
});
