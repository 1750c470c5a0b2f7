import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { PktLineEncoder } from "../../git/pkt-line/pkt-line-encoder.ts";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import { parseSideband } from "../../git/pkt-line/sideband.ts";
import { openAccess } from "../../hooks/access/access-check.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { createTestRepository } from "../../testing/git-repository.ts";
import { type GitlabAnswer, startTestGitlab } from "../../testing/test-gitlab.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";
import { CONFIG_DEFAULTS, type Config } from "../config/config.ts";
import { checkInternalApi, openAccessCheck } from "./open-internal-api.ts";

const ALLOWED: Readonly<Record<string, GitlabAnswer>> = {
  "/api/v4/internal/allowed": { body: '{"status":true}' },
  "/api/v4/internal/pre_receive": { body: '{"reference_counter_increased":true}' },
  "/api/v4/internal/post_receive": {
    body: '{"reference_counter_decreased":true,"messages":[{"type":"alert","message":"hello"}]}',
  },
};

function gitlabAt(host: string): Pick<Config, "gitlab"> {
  return { gitlab: { ...CONFIG_DEFAULTS.gitlab, url: `http://${host}`, secret: "secret" } };
}

/** Pushes a commit to `main` with the option `ci.skip`, and returns what the client shows. */
async function push(
  t: TestContext,
  server: TestServer,
  { address }: ServedRepository,
): Promise<{ commit: string; answer: string }> {
  const source = createTestRepository(t);
  const tree = source.gitLine(["mktree"], { input: "" });
  const commit = source.gitLine(["commit-tree", "-m", "one", tree]);
  const pack = source.git(["pack-objects", "--stdout", "--revs", "-q"], { input: `${commit}\n` });
  const request = new PktLineEncoder();
  const capabilities = "report-status side-band-64k push-options";
  request.line(`${"0".repeat(40)} ${commit} refs/heads/main\0${capabilities}`).flush();
  request.line("ci.skip").flush();
  const repository = { ...address, glRepository: "project-1", glProjectPath: "group/project" };
  const replies = server
    .client(SmartHTTPService)
    .postReceivePack([
      { repository, glId: "user-1", glRepository: "project-1", glUsername: "jane" },
      { data: request.take() },
      { data: pack },
    ]);
  const parser = new PktLineParser();
  for await (const { data } of replies) parser.push(data);
  let answer = "";
  for (let packet = parser.next(); packet !== undefined; packet = parser.next()) {
    if (packet.kind === "data") answer += parseSideband(packet.data).data.toString("latin1");
  }
  return { commit, answer };
}

test("a push asks GitLab and runs custom hooks that see its objects", async (t) => {
  const gitlab = await startTestGitlab(t, ({ url = "" }) => ALLOWED[url] ?? { status: 404 });
  const server = await startTestServer(t, gitlabAt(gitlab.host));
  const repository = server.repository();
  const hook = join(repository.path, "custom_hooks", "pre-receive");
  mkdirSync(join(repository.path, "custom_hooks"));
  const script = "read old new ref; git cat-file -t $new; echo $ref $GL_ID >/dev/stderr";
  writeFileSync(hook, `#!/bin/sh\n${script}\n`);
  chmodSync(hook, 0o755);
  const { commit, answer } = await push(t, server, repository);
  for (const line of ["commit\n", "refs/heads/main user-1\n", "unpack ok\n"]) {
    assert.ok(answer.includes(line), answer);
  }
  assert.match(answer, /={72}\n\n {33}hello\n\n={72}/);
  assert.equal(repository.gitLine(["rev-parse", "main"]), commit);
  const [allowed, counted, reported, ...rest] = gitlab.received;
  assert.equal(counted?.url, "/api/v4/internal/pre_receive");
  assert.equal(reported?.url, "/api/v4/internal/post_receive");
  assert.equal(rest.length, 0);
  const { env, ...body } = Object(allowed?.body);
  assert.deepEqual(body, {
    action: "git-receive-pack",
    gl_repository: "project-1",
    project: repository.path,
    changes: `${"0".repeat(40)} ${commit} refs/heads/main\n`,
    protocol: "http",
    relative_path: repository.address.relativePath,
    user_id: "1",
    push_options: ["ci.skip"],
  });
  const { GIT_OBJECT_DIRECTORY_RELATIVE: quarantine, ...alternates } = JSON.parse(env);
  assert.match(quarantine, /^objects\/tmp_objdir-incoming-\w+$/);
  assert.deepEqual(alternates, { GIT_ALTERNATE_OBJECT_DIRECTORIES_RELATIVE: ["objects"] });
});

test("a push that GitLab refuses changes nothing, and the pusher learns why", async (t) => {
  const body = '{"message":"You are not allowed to push."}';
  const gitlab = await startTestGitlab(t, { status: 401, body });
  const server = await startTestServer(t, gitlabAt(gitlab.host));
  const repository = server.repository();
  const { answer } = await push(t, server, repository);
  assert.match(answer, /GitLab: You are not allowed to push\./);
  assert.match(answer, /ng refs\/heads\/main pre-receive hook declined\n/);
  assert.equal(repository.gitLine(["for-each-ref"]), "");
});

test("without GitLab everybody may push", async () => {
  assert.equal(await openAccessCheck(CONFIG_DEFAULTS, { logger: silentLogger }), openAccess);
});

test("the latency of GitLab is measured", async (t) => {
  const { host } = await startTestGitlab(t, { body: '{"reference_counter_increased":true}' });
  const metrics = new MetricRegistry();
  const config = { ...CONFIG_DEFAULTS, ...gitlabAt(host) };
  const access = await openAccessCheck(config, { logger: silentLogger, metrics });
  t.after(() => access[Symbol.asyncDispose]?.());
  const caller = { correlationId: "", remoteIp: "", signal: t.signal };
  assert.equal(await access.preReceive("project-1", caller), true);
  const count = 'gitaly_gitlab_api_latency_seconds_count{endpoint="pre-receive"} 1';
  assert.ok(metrics.render().includes(count));
});

test("checkInternalApi asks the GitLab of the configuration", async (t) => {
  const body = '{"gitlab_version":"19.0","gitlab_revision":"abc","api_version":"v4","redis":true}';
  const { host, received } = await startTestGitlab(t, { body });
  const config = { ...CONFIG_DEFAULTS, ...gitlabAt(host) };
  assert.deepEqual(await checkInternalApi(config, t.signal), {
    version: "19.0",
    revision: "abc",
    apiVersion: "v4",
    isRedisReachable: true,
  });
  assert.match(String(received[0]?.headers["user-agent"]), /^gitaly\/\d/);
});
