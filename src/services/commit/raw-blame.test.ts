import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { CommitService, RawBlameErrorSchema } from "../../proto/commit_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

interface Asked {
  readonly revision?: string;
  readonly path?: string;
  readonly range?: string;
  readonly ignore?: string;
}

async function fixture(
  t: Parameters<typeof startTestServer>[0],
  format: "sha1" | "sha256" = "sha1",
) {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository({ format });
  const ask = async ({ revision = "main", path = "", range = "", ignore = "" }: Asked) => {
    const request = {
      repository: repository.address,
      revision: bytesFromBinary(revision),
      path: bytesFromBinary(path),
      range: bytesFromBinary(range),
      ignoreRevisionsBlob: bytesFromBinary(ignore),
    };
    const replies = await collect(client.rawBlame(request));
    return Buffer.concat(replies.map(({ data }) => data)).toString("latin1");
  };
  return { client, repository, ask };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`rawBlame prints what git does in a ${format} repository`, async (t) => {
    const { repository, ask } = await fixture(t, format);
    const one = changeFiles(repository, { "a/\xff": "1\n2\n3\n", empty: "" }, { time: 1 });
    changeFiles(repository, { "a/\xff": "1\ntwo\n3\n4" }, { time: 2 });
    const expected = (args: readonly string[]): string =>
      repository.git(["blame", "-p", ...args]).toString("latin1");
    const whole = await ask({ path: "a/\xff" });
    assert.match(whole, new RegExp(`^${one} 1 1 1\nauthor A U Thor\n`));
    assert.match(whole, /\t4\n$/);
    changeFiles(repository, { file: "1\n2\n3\n" });
    changeFiles(repository, { file: "1\ntwo\n3\n4" });
    assert.equal(await ask({ path: "file" }), expected(["main", "--", "file"]));
    assert.equal(await ask({ path: "x/../file" }), expected(["main", "--", "file"]));
    assert.equal(
      await ask({ path: "file", range: "2,9" }),
      expected(["-L", "2,9", "main", "--", "file"]),
    );
    assert.equal(await ask({ path: "file", revision: "HEAD~" }), expected(["main~", "--", "file"]));
    assert.equal(await ask({ path: "empty" }), "");
  });
}

test("rawBlame leaves out commits that a blob lists", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, { path: "a\n" });
  const two = changeFiles(repository, { path: "b\n" });
  const three = changeFiles(repository, { path: "   b\n" });
  changeFiles(repository, { ".ignored": `${three}\n` });
  assert.match(await ask({ path: "path" }), new RegExp(`^${three} 1 1 1\n`));
  const blamed = await ask({ path: "path", ignore: "main:.ignored" });
  assert.match(blamed, new RegExp(`^${two} 1 1 1\n`));
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith("ignore-revs-"));
  assert.deepEqual(left, []);
});

test("rawBlame says what is wrong", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, { path: "a\nb", "dir/path": "" });
  type Details = { readonly case: string | undefined; readonly value?: unknown };
  const cases: [Asked, kind: string, message: string, Details | undefined][] = [
    [
      { path: "missing" },
      "not-found",
      "path not found in revision",
      { case: "pathNotFound", value: { path: "missing" } },
    ],
    [
      { path: "path", range: "4,5" },
      "invalid-argument",
      "range is outside of the file length",
      { case: "outOfRange", value: { actualLines: 2n } },
    ],
    [
      { path: "path", ignore: "main:path" },
      "not-found",
      "invalid object name",
      { case: "invalidIgnoreRevsFormat", value: { content: "a\n" } },
    ],
    [
      { path: "path", ignore: "main:dir" },
      "invalid-argument",
      "ignore revision is not a blob",
      { case: "resolveIgnoreRevs", value: { ignoreRevisionsBlob: "main:dir" } },
    ],
    [
      { path: "path", ignore: "missing" },
      "not-found",
      "cannot resolve ignore-revs blob",
      { case: "resolveIgnoreRevs", value: { ignoreRevisionsBlob: "missing" } },
    ],
    [{ path: "path", revision: "missing" }, "internal", "blaming file: exit status 128", undefined],
    [{ path: "path", revision: "\xff" }, "internal", "blaming file: exit status 128", undefined],
    [
      { path: "a\0" },
      "internal",
      'starting blame: detected null byte in command argument "a\\x00"',
      undefined,
    ],
  ];
  for (const [asked, kind, message, expected] of cases) {
    await assert.rejects(ask(asked), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.kind, error.message], [kind, message]);
      const [any] = error.details;
      const found = any && anyUnpack(any, RawBlameErrorSchema)?.error;
      assert.deepEqual(found && plain(found), expected);
      return true;
    });
  }
});

function plain({ case: name, value }: { case: string | undefined; value?: object | undefined }) {
  const entries = Object.entries(value ?? {}).filter(([key]) => !key.startsWith("$"));
  const fields = entries.map(([key, field]) => [
    key,
    field instanceof Uint8Array ? Buffer.from(field).toString() : field,
  ]);
  return { case: name, value: Object.fromEntries(fields) };
}

test("rawBlame refuses invalid requests", async (t) => {
  const { client, ask } = await fixture(t);
  const cases: [Asked, message: string][] = [
    [{ revision: "", path: "" }, "empty revision"],
    [{ revision: "--output=/meow" }, "revision can't start with '-'"],
    [{ path: "" }, "empty Path"],
    [{ path: "../a", range: "x" }, "path escapes repository root"],
    [{ path: "/a" }, "path escapes repository root"],
    [{ path: "a", range: "1" }, "invalid Range"],
    [{ path: "a", range: "1,2\n" }, "invalid Range"],
    [{ path: "a", range: "/x/,2" }, "invalid Range"],
  ];
  for (const [asked, message] of cases) {
    await assert.rejects(ask(asked), { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    client.rawBlame({ ...(address && { repository: address }) }),
  );
});

test("rawBlame fails in an empty repository", async (t) => {
  const { ask } = await fixture(t);
  await assert.rejects(ask({ path: "file" }), {
    kind: "internal",
    message: "blaming file: exit status 128",
  });
});

test("rawBlame stops when the client goes away", async (t) => {
  const { repository, client } = await fixture(t);
  changeFiles(repository, { file: "x\n".repeat(500_000) });
  const gone = new AbortController();
  const request = {
    repository: repository.address,
    revision: Buffer.from("main"),
    path: Buffer.from("file"),
  };
  const replies = client.rawBlame(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
