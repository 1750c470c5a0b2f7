import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { createTestRepository, openTestRepository } from "../../testing/git-repository.ts";
import { DELIM, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { callWithInput, dialSidechannels } from "../../testing/sidechannel-call.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";
import { ClientInput } from "./client-input.ts";
import { ReferenceLister } from "./reference-lister.ts";

/** Changes nothing, but isn't known to us: such a repository is left to git. */
const LEFT_TO_GIT = ["uploadpack.keepAlive", "5"] as const;

const QUESTIONS: readonly (readonly string[])[] = [
  [],
  ["peel", "symrefs", "unborn"],
  ["symrefs", "unborn"],
  ["peel", "symrefs", "unborn", "ref-prefix refs/heads/", "ref-prefix refs/tags/"],
  ["peel", "ref-prefix HEAD", "ref-prefix refs/heads/ma", "ref-prefix refs/heads/main"],
  ["symrefs", "ref-prefix refs/heads/link", "ref-prefix H", "ref-prefix refs/heads/link"],
  ["ref-prefix "],
  ["unborn", "ref-prefix refs/none"],
  ["ref-prefix"],
  ["unknown"],
  ["peel", "peel", "ref-prefix refs/", "symrefs"],
];

function question(format: string, lines: readonly string[]): Buffer {
  const capabilities = ["command=ls-refs", "agent=git/2.55", `object-format=${format}`];
  const text = (line: string): string => `${line}\n`;
  return pktLines(...capabilities.map(text), DELIM, ...lines.map(text), FLUSH);
}

async function setUp(
  t: TestContext,
  options: { format?: "sha1" | "sha256"; refFormat?: "files" | "reftable" } = {},
) {
  const server = await startTestServer(t);
  const channel = dialSidechannels(t, server);
  const client = createClient(SmartHTTPService, channel);
  const repository = server.repository(options);
  /** What is answered, as text; a failure as its message. */
  const ask = async (relativePath: string, input: Uint8Array, gitConfigOptions: string[] = []) => {
    const address = { ...repository.address, relativePath };
    const request = { repository: address, gitProtocol: "version=2", gitConfigOptions };
    const { error, output, reply } = await callWithInput(channel, input, (callOptions) =>
      client.postUploadPackWithSidechannel(request, callOptions),
    );
    const { $typeName: _, ...statistics } = reply?.packfileNegotiationStatistics ?? {};
    return { output: output.toString("latin1"), failure: String(error), statistics };
  };
  let count = 0;
  /** Asserts that the repository is listed as git lists a copy. */
  const assertAlike = async (inputs: readonly Uint8Array[], options: string[] = []) => {
    const twin = `twin-${count++}.git`;
    const path = join(server.storagePath, twin);
    cpSync(repository.path, path, { recursive: true });
    openTestRepository(path, repository.format).git(["config", ...LEFT_TO_GIT]);
    for (const input of inputs) {
      const expected = await ask(twin, input, options);
      const { relativePath } = repository.address;
      assert.deepEqual(await ask(relativePath, input, options), expected, String(input));
    }
  };
  return { server, repository, assertAlike };
}

/** References of all kinds. */
function fill(repository: ServedRepository): string {
  const main = writeCommit(repository, { ref: "refs/heads/main" });
  repository.git(["tag", "-a", "-m", "release", "v1", main]);
  repository.git(["tag", "-a", "-m", "release", "v2", "v1"]);
  repository.git(["tag", "light", main]);
  repository.git(["symbolic-ref", "refs/heads/link", "refs/heads/main"]);
  repository.git(["symbolic-ref", "refs/heads/dangling", "refs/heads/none"]);
  repository.git(["update-ref", "refs/keep-around/a", main]);
  repository.git(["update-ref", "refs/heads/\u00e4", main]);
  return main;
}

for (const format of ["sha1", "sha256"] as const) {
  for (const refFormat of ["files", "reftable"] as const) {
    test(`references are listed as git does, ${format}, ${refFormat}`, async (t) => {
      const { repository, assertAlike } = await setUp(t, { format, refFormat });
      const questions = QUESTIONS.map((lines) => question(format, lines));
      await assertAlike(questions.slice(0, 4));
      const main = fill(repository);
      await assertAlike(questions);
      repository.git(["pack-refs", "--all"]);
      repository.git(["update-ref", "--no-deref", "HEAD", main]);
      await assertAlike(questions.slice(0, 5));
    });
  }
}

test("requests that are no plain question are served by git", async (t) => {
  const { repository, assertAlike } = await setUp(t);
  fill(repository);
  const [command, format] = ["command=ls-refs\n", "object-format=sha1\n"];
  await assertAlike([
    pktLines(command, FLUSH),
    pktLines(command, format, FLUSH),
    pktLines(format, command, DELIM, "peel\n", FLUSH),
    pktLines(command, "object-format=sha256\n", FLUSH),
    pktLines(command, "object-format=md5\n", FLUSH),
    pktLines(command, format, format, FLUSH),
    pktLines(command, command, FLUSH),
    pktLines(command, "server-option=a\n", "session-id=b\n", FLUSH),
    pktLines(command, format, DELIM, DELIM, FLUSH),
    pktLines(command, format, DELIM, "peel\n"),
    pktLines(command, format, DELIM, "peel\n", FLUSH, command, FLUSH),
    pktLines("command=unknown\n", FLUSH),
    pktLines(command, ...Array.from({ length: 200 }, () => "server-option=a\n"), FLUSH),
    Buffer.from("0003"),
    Buffer.from("zzzz"),
    Buffer.alloc(0),
    pktLines(FLUSH),
    pktLines(FLUSH, command, FLUSH),
  ]);
  const many = Array.from({ length: 150 }, (_, index) => `ref-prefix refs/heads/${index}`);
  await assertAlike([question("sha1", [...many, "ref-prefix refs/heads/main"])]);
});

test("references that are hidden aren't listed, whoever hides them", async (t) => {
  const { repository, assertAlike } = await setUp(t);
  fill(repository);
  repository.git(["config", "transfer.hideRefs", "refs/tags"]);
  await assertAlike([question("sha1", ["peel"])], ["uploadpack.hideRefs=refs/heads/link"]);
  await assertAlike([question("sha1", ["peel", "symrefs"])], ["lsrefs.unborn=ignore"]);
});

test("damaged references are left to git", async (t) => {
  const { repository, assertAlike } = await setUp(t);
  fill(repository);
  const commit = writeCommit(repository, { content: "lost\n", ref: "refs/heads/lost" });
  rmSync(join(repository.path, "objects", commit.slice(0, 2), commit.slice(2)));
  await assertAlike([question("sha1", ["peel"]), question("sha1", ["ref-prefix refs/tags/"])]);
});

test("a plain question for references is answered without git, in any chunks", async (t) => {
  const repository = createTestRepository(t);
  const main = writeCommit(repository, { ref: "refs/heads/main" });
  const needs = { git: await startTestGitRunner(t), repositories: new RepositoryCache() };
  t.after(() => needs.repositories.close());
  const lister = new ReferenceLister(needs);
  const { repository: located } = testPushContext(repository);
  const input = question("sha1", ["ref-prefix refs/heads/"]);
  for (const size of [1, 5, input.length]) {
    const source = async function* () {
      for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
    };
    const answer = await lister.answer(located, [], new ClientInput(source()), t.signal);
    assert.equal(
      Buffer.concat(answer === "end" ? [] : (answer ?? [])).toString(),
      `003d${main} refs/heads/main\n0000`,
    );
  }
  repository.git(["config", ...LEFT_TO_GIT]);
  const again = async function* () {
    yield input;
  };
  const left = new ClientInput(again());
  assert.equal(await lister.answer(located, [], left, t.signal), undefined);
  for await (const chunk of left.fromStart()) assert.deepEqual(chunk, input);
  const silent = async function* () {
    await new Promise(() => undefined);
    yield input;
  };
  const waiting = new ClientInput(silent());
  assert.equal(await lister.answer(located, [], waiting, AbortSignal.abort()), undefined);
});
