import assert from "node:assert/strict";
import { test } from "node:test";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { FindTagErrorSchema, RefService } from "../../proto/ref_pb.ts";
import type { Tag } from "../../proto/shared_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const KINDS = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

test("findTag finds tags of all kinds", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const kind of KINDS) {
    const { address: repository, git, gitLine } = server.repository(kind);
    const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
    const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
    git(["tag", "light", commit]);
    git(["tag", "-m", `${"x".repeat(20_000)}\n\n`, "long", commit]);
    git(["tag", "-m", "nested", "v/nested", "long"]);
    git(["tag", "-m", "on a blob", "tagged-blob", blob]);
    git(["tag", "blob", blob]);
    const find = async (name: string): Promise<Tag | undefined> =>
      (await client.findTag({ repository, tagName: Buffer.from(name) })).tag;
    const light = await find("light");
    assert.equal(light?.id, commit);
    assert.equal(light.targetCommit?.id, commit);
    assert.equal(light.messageSize, 0n);
    const long = await find("long");
    assert.equal(long?.id, gitLine(["rev-parse", "long"]));
    assert.equal(long.message.length, 10 * 1024);
    assert.equal(long.messageSize, 20_000n);
    assert.equal(long.targetCommit?.id, commit);
    assert.equal(Buffer.from(long.tagger?.name ?? []).toString(), "C O Mitter");
    const nested = await find("v/nested");
    assert.equal(Buffer.from(nested?.name ?? []).toString(), "v/nested");
    assert.equal(nested?.targetCommit?.id, commit);
    assert.equal((await find("tagged-blob"))?.targetCommit, undefined);
    assert.equal((await find("blob"))?.id, blob);
    // The name is a pattern whose wildcards match slashes, too.
    assert.equal(Buffer.from((await find("*"))?.name ?? []).toString(), "blob");
    assert.equal(Buffer.from((await find("*ted"))?.name ?? []).toString(), "v/nested");
  }
});

test("findTag names the tag that it doesn't find", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  git(["tag", "v1", gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"])]);
  for (const name of ["v", "v2*", "refs/tags/v1", "V1", "in valid"]) {
    const tagName = Buffer.from(name);
    const error: unknown = await client.findTag({ repository, tagName }).catch((e: unknown) => e);
    assert.ok(error instanceof CallError);
    assert.equal(error.kind, "not-found");
    assert.equal(error.message, "tag does not exist");
    const [detail] = error.details;
    const found = detail && anyUnpack(detail, FindTagErrorSchema)?.error;
    assert.equal(found?.case, "tagNotFound");
    assert.equal(Buffer.from(found.value.referenceName).toString(), `refs/tags/${name}`);
  }
});

test("findTag fails when a tag's object isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const cases = [
    ["commit", "getting target commit"],
    ["tag", "dereferencing tag: peeling tag"],
  ];
  for (const [type, what] of cases) {
    const input = `object ${"1".repeat(40)}\ntype ${type}\ntag v1\ntagger A <a@x> 1 +0000\n\nm\n`;
    const args = ["hash-object", "-t", "tag", "-w", "--stdin", "--literally"];
    git(["update-ref", "refs/tags/v1", gitLine(args, { input })]);
    const message = `parsing tag: getting annotated tag: buildAnnotatedTag error when ${what}`;
    await assert.rejects(client.findTag({ repository, tagName: Buffer.from("v1") }), {
      kind: "internal",
      message: `${message}: object not found`,
    });
  }
});

test("findTag refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "invalid-argument", "tag name is empty"],
    [
      "-x",
      "internal",
      `for-each-ref error: positional arg "-x" cannot start with dash '-': invalid argument`,
    ],
    ["a\0", "internal", 'for-each-ref error: detected null byte in command argument "a\\x00"'],
  ] as const;
  for (const [name, kind, message] of cases) {
    await assert.rejects(client.findTag({ repository, tagName: Buffer.from(name) }), {
      kind,
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.findTag({ ...(address && { repository: address }) }),
  );
});
