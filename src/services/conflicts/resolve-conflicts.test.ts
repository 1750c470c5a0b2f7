import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ConflictsService,
  type ResolveConflictsRequest,
  type ResolveConflictsRequestHeader,
  type ResolveConflictsRequestHeaderSchema,
  type ResolveConflictsRequestSchema,
} from "../../proto/conflicts_pb.ts";
import { writeCustomHook } from "../../testing/custom-hook.ts";
import { type MergeScene, prepareMerge } from "../../testing/merge-scene.ts";
import { TEST_USER } from "../../testing/operation-server.ts";
import { serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";

type Header = Exclude<
  MessageInitShape<typeof ResolveConflictsRequestHeaderSchema>,
  ResolveConflictsRequestHeader
>;
type Request = Exclude<
  MessageInitShape<typeof ResolveConflictsRequestSchema>,
  ResolveConflictsRequest
>;

/** `main` and `topic` have changed the same line; `main` is what the resolution goes to. */
function prepareConflict(
  t: TestContext,
  options: Parameters<typeof prepareMerge>[1] = {},
): Promise<MergeScene> {
  const ours = { "a.txt": "ours\n", "folder/c.txt": "1!\n2\n3\n4\n5\n" };
  const theirs = { "a.txt": "theirs\n", "folder/c.txt": "1?\n2\n3\n4\n5\n" };
  return prepareMerge(t, { ours, theirs, ...options });
}

function headerOf({ address, main, topic }: MergeScene, changes: Header = {}): Header {
  return {
    repository: address,
    targetRepository: address,
    ourCommitOid: main,
    theirCommitOid: topic,
    sourceBranch: Buffer.from("main"),
    targetBranch: Buffer.from("topic"),
    commitMessage: Buffer.from("Resolve"),
    user: TEST_USER,
    timestamp: { seconds: 1_700_000_100n },
    ...changes,
  };
}

async function* requests(header: Header, files: unknown) {
  const first: Request = { resolveConflictsRequestPayload: { case: "header", value: header } };
  yield first;
  const json = Buffer.from(typeof files === "string" ? files : JSON.stringify(files));
  for (const value of [json.subarray(0, 10), json.subarray(10)]) {
    const request: Request = { resolveConflictsRequestPayload: { case: "filesJson", value } };
    yield request;
  }
}

async function resolve(
  { server }: MergeScene,
  header: Header,
  files: unknown,
  signal?: AbortSignal,
): Promise<string> {
  const metadata = serversMetadata({ default: server });
  const client = server.client(ConflictsService);
  const options = { metadata, ...(signal && { signal }) };
  const { resolutionError } = await client.resolveConflicts(requests(header, files), options);
  return resolutionError;
}

function sectionId(path: string, theirLine: number, ourLine: number): string {
  return `${createHash("sha1").update(path).digest("hex")}_${theirLine}_${ourLine}`;
}

const A = { old_path: "a.txt", new_path: "a.txt" };
const C = { old_path: "folder/c.txt", new_path: "folder/c.txt" };
const RESOLUTIONS = [
  { ...A, sections: { [sectionId("a.txt", 1, 1)]: "head" } },
  { ...C, sections: { [sectionId("folder/c.txt", 1, 1)]: "origin" } },
];

for (const format of ["sha1", "sha256"] as const) {
  test(`resolveConflicts takes the chosen sections in ${format}`, async (t) => {
    const scene = await prepareConflict(t, { format });
    const { server, repository, main, topic, content } = scene;
    assert.equal(await resolve(scene, headerOf(scene), RESOLUTIONS), "");
    assert.equal(content("main", "a.txt"), "ours\n");
    assert.equal(content("main", "folder/c.txt"), "1?\n2\n3\n4\n5\n");
    assert.deepEqual(repository.gitLines(["cat-file", "commit", "main"]).slice(1), [
      `parent ${main}`,
      `parent ${topic}`,
      "author Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "committer Jane Doe <janedoe@gitlab.com> 1700000100 +0800",
      "",
      "Resolve",
    ]);
    repository.git(["fsck", "--strict"]);
    assert.deepEqual(server.leftovers(), []);
  });
}

test("resolveConflicts takes whole contents, and merges without conflicts", async (t) => {
  const scene = await prepareConflict(t);
  const files = [
    { ...A, content: "both\n" },
    { ...C, content: "none" },
  ];
  assert.equal(await resolve(scene, headerOf(scene), files), "");
  assert.equal(scene.content("main", "a.txt"), "both\n");
  assert.equal(scene.content("main", "folder/c.txt"), "none");
  const clean = await prepareMerge(t);
  assert.equal(await resolve(clean, headerOf(clean), []), "");
  assert.deepEqual(clean.repository.gitLines(["rev-parse", "main^@"]), [clean.main, clean.topic]);
});

test("resolveConflicts keeps line ends of another kind", async (t) => {
  const scene = await prepareConflict(t, {
    ours: { "a.txt": "0\r\nours\r\nend\r\n" },
    theirs: { "a.txt": "0\r\ntheirs\r\nend\r\n" },
  });
  const sections = { [sectionId("a.txt", 2, 2)]: "origin" };
  assert.equal(await resolve(scene, headerOf(scene), [{ ...A, sections }]), "");
  assert.equal(scene.content("main", "a.txt"), "0\r\ntheirs\r\nend\r\n");
});

test("resolveConflicts tells what is wrong with resolutions", async (t) => {
  const scene = await prepareConflict(t);
  const marked = "<<<<<<< a.txt\nours\n=======\ntheirs\n>>>>>>> a.txt\n";
  const id = sectionId("a.txt", 1, 1);
  for (const [files, problem] of [
    [RESOLUTIONS.slice(0, 1), "Missing resolutions for the following files: folder/c.txt"],
    [[{ ...A, sections: { other: "head" } }], `Missing resolution for section ID: ${id}`],
    [[{ ...A, sections: { [id]: "other" } }], `Missing resolution for section ID: ${id}`],
    [[{ ...A, content: marked }], "Resolved content has no changes for file a.txt"],
  ] as const) {
    assert.equal(await resolve(scene, headerOf(scene), files), problem);
  }
  assert.equal(scene.tip(), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("resolveConflicts says why it can't resolve", async (t) => {
  const scene = await prepareConflict(t);
  const invalid = "invalid-argument";
  const cases: readonly (readonly [Header, unknown, kind: string, message: string])[] = [
    [{}, "", "internal", "unexpected end of JSON input"],
    [{}, "{", "internal", "unexpected end of JSON input"],
    [{}, [A], invalid, "missing sections or content for a resolution"],
    [
      {},
      {},
      "internal",
      "json: cannot unmarshal object into Go value of type []map[string]interface {}",
    ],
    [
      {},
      [{ ...A, content: 1 }],
      "internal",
      "json: cannot unmarshal number into Go struct field Resolution.content of type string",
    ],
    [
      {},
      [{ ...A, new_path: "other", content: "x" }],
      "internal",
      "NoMethodError: undefined method `resolve_lines' for nil:NilClass",
    ],
    [
      { ourCommitOid: "foobar" },
      RESOLUTIONS,
      "internal",
      "Rugged::InvalidError: unable to parse OID - contains invalid characters",
    ],
    [
      { ourCommitOid: "1".repeat(40) },
      RESOLUTIONS,
      "internal",
      "merge-tree: couldn't parse merge tree output: ",
    ],
    [
      { targetBranch: Buffer.from("missing") },
      RESOLUTIONS,
      "internal",
      'could not resolve target revision "refs/heads/missing^{commit}": reference not found',
    ],
    [
      { user: { ...TEST_USER, timezone: "Nowhere" } },
      RESOLUTIONS,
      invalid,
      "unknown time zone Nowhere",
    ],
  ];
  for (const [changes, files, kind, message] of cases) {
    const call = resolve(scene, headerOf(scene, changes), files);
    await assert.rejects(call, { kind, message });
  }
  assert.equal(scene.tip(), scene.main);
  assert.deepEqual(scene.server.leftovers(), []);
});

test("resolveConflicts refuses files whose conflicts it can't tell apart", async (t) => {
  const line = (text: string) => `=======\n${text}\n`;
  const scene = await prepareConflict(t, {
    ours: { "a.txt": line("ours") },
    theirs: { "a.txt": line("theirs") },
  });
  const files = [{ ...A, sections: { [sectionId("a.txt", 1, 1)]: "head" } }];
  await assert.rejects(resolve(scene, headerOf(scene), files), {
    kind: "invalid-argument",
    message: 'resolve: parse conflict for "a.txt": unexpected conflict delimiter',
  });
});

test("resolveConflicts brings the commits of another repository", async (t) => {
  const scene = await prepareConflict(t);
  const other = await startOtherServer(t);
  const { server, repository, topic } = scene;
  const target = other.repository();
  repository.git(["push", "--quiet", target.path, "topic"]);
  repository.git(["update-ref", "-d", "refs/heads/topic"]);
  repository.git(["prune", "--expire=now"]);
  const metadata = serversMetadata({ other: other.server, default: server });
  const header = headerOf(scene, { targetRepository: target.address });
  const client = server.client(ConflictsService);
  const reply = await client.resolveConflicts(requests(header, RESOLUTIONS), { metadata });
  assert.equal(reply.resolutionError, "");
  assert.equal(repository.gitLine(["rev-parse", "main^2"]), topic);
});

test("resolveConflicts changes nothing when a hook or GitLab refuses", async (t) => {
  const scene = await prepareConflict(t);
  const { repository } = scene;
  for (const hook of ["pre-receive", "update"]) {
    writeCustomHook(repository.path, hook, "echo failure; exit 1");
    const message = `running ${hook} hooks: failure\n`;
    const call = resolve(scene, headerOf(scene), RESOLUTIONS);
    await assert.rejects(call, { kind: "internal", message });
    writeCustomHook(repository.path, hook, "exit 0");
  }
  assert.equal(scene.tip(), scene.main);
  const body = '{"status":false,"message":"no way"}';
  const refused = await prepareConflict(t, { answers: { allowed: { status: 401, body } } });
  const message = "running pre-receive hooks: GitLab: no way";
  const call = resolve(refused, headerOf(refused), RESOLUTIONS);
  await assert.rejects(call, { kind: "internal", message });
  assert.equal(refused.tip(), refused.main);
});

test("resolveConflicts refuses requests that say too little", async (t) => {
  const scene = await prepareConflict(t);
  const { user: _user, ...nobody } = headerOf(scene);
  const { targetRepository: _target, ...nowhere } = headerOf(scene);
  const empty = new Uint8Array();
  const cases: readonly (readonly [Header, message: string])[] = [
    [headerOf(scene, { ourCommitOid: "" }), "empty OurCommitOid"],
    [nowhere, "empty TargetRepository"],
    [headerOf(scene, { theirCommitOid: "" }), "empty TheirCommitOid"],
    [headerOf(scene, { sourceBranch: empty }), "empty SourceBranch"],
    [headerOf(scene, { targetBranch: empty }), "empty TargetBranch"],
    [headerOf(scene, { commitMessage: empty }), "empty CommitMessage"],
    [nobody, "empty User"],
  ];
  for (const [header, message] of cases) {
    const call = resolve(scene, header, RESOLUTIONS);
    await assert.rejects(call, { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    resolve(scene, { ourCommitOid: "x", ...(address && { repository: address }) }, []),
  );
});

test("resolveConflicts changes nothing when it is cancelled while a hook runs", async (t) => {
  const scene = await prepareConflict(t);
  const { server, repository, main, tip } = scene;
  writeCustomHook(repository.path, "pre-receive", `echo > ${repository.path}/began; sleep 1000`);
  const controller = new AbortController();
  const failed = assert.rejects(resolve(scene, headerOf(scene), RESOLUTIONS, controller.signal));
  await eventually("the hook runs", 60_000, () => existsSync(`${repository.path}/began`));
  controller.abort();
  await failed;
  await eventually("nothing is left", 60_000, () => server.leftovers().length === 0);
  assert.equal(tip(), main);
});
