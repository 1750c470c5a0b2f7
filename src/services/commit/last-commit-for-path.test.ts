import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

interface Asked {
  readonly revision?: string;
  readonly path?: string;
  readonly literalPathspec?: boolean;
  readonly globalOptions?: { readonly literalPathspecs: boolean };
}

async function fixture(t: Parameters<typeof startTestServer>[0], format: "sha1" | "sha256") {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository({ format });
  const ask = async ({ revision = "main", path = "", ...rest }: Asked = {}) => {
    const { commit } = await client.lastCommitForPath({
      repository: repository.address,
      revision: Buffer.from(revision, "latin1"),
      path: Buffer.from(path, "latin1"),
      ...rest,
    });
    return commit?.id;
  };
  return { server, client, repository, ask };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`lastCommitForPath follows paths of a ${format} repository`, async (t) => {
    const { repository, ask } = await fixture(t, format);
    const one = changeFiles(repository, { file: "1", "delete-me": "1", "a/b": "1" });
    const two = changeFiles(repository, { "delete-me": null });
    const three = changeFiles(repository, { file: "2", "a/\xff": "1" });
    const four = changeFiles(repository, { ":wq": "1", "*": "1" });
    const five = changeFiles(repository, { other: "1" });
    const cases: [Asked, string | undefined][] = [
      [{}, five],
      [{ path: "/" }, five],
      [{ path: "." }, five],
      [{ path: "*" }, five],
      [{ path: "*", literalPathspec: true }, four],
      [{ path: "*", globalOptions: { literalPathspecs: true } }, four],
      [{ path: ":wq" }, undefined],
      [{ path: ":wq", literalPathspec: true }, four],
      [{ path: "file" }, three],
      [{ path: "a" }, three],
      [{ path: "a/" }, three],
      [{ path: "a/\xff" }, three],
      [{ path: "a/b" }, one],
      [{ path: "./a/../a/b" }, one],
      [{ path: "delete-me" }, two],
      [{ path: "missing" }, undefined],
      [{ path: "file", revision: two }, one],
      [{ path: "file", revision: "missing" }, undefined],
      [{ path: "file", revision: "refs/heads/\xff" }, undefined],
    ];
    for (const [asked, expected] of cases) {
      assert.equal(await ask(asked), expected, JSON.stringify(asked));
    }
  });
}

test("lastCommitForPath takes the side of a merge that has the content", async (t) => {
  const { repository, ask } = await fixture(t, "sha1");
  const base = changeFiles(repository, { file: "1", other: "1" }, { time: 1 });
  repository.git(["update-ref", "refs/heads/side", base]);
  const side = changeFiles(repository, { file: "2" }, { ref: "refs/heads/side", time: 2 });
  const main = changeFiles(repository, { other: "2" }, { time: 3 });
  const merge = changeFiles(repository, { file: "2" }, { merges: [side], time: 4 });
  assert.equal(await ask({ path: "file" }), side);
  assert.equal(await ask({ path: "other" }), main);
  assert.equal(await ask(), merge);
});

test("lastCommitForPath refuses invalid requests", async (t) => {
  const { repository, client, ask } = await fixture(t, "sha1");
  const cases: [Asked, message: string][] = [
    [{ revision: "" }, "empty revision"],
    [{ revision: "--output=/meow", path: "/" }, "revision can't start with '-'"],
    [{ path: "/etc" }, "path is an absolute path"],
    [{ path: "a/../../b" }, "path escapes repository"],
    [{ path: ".." }, "path escapes repository"],
  ];
  for (const [asked, message] of cases) {
    await assert.rejects(ask(asked), { kind: "invalid-argument", message });
  }
  const missing = "1".repeat(40);
  await assert.rejects(ask({ revision: missing, path: "file" }), {
    kind: "internal",
    message: "logging last commit for path: exit status 128",
  });
  changeFiles(repository, { file: "1" });
  await assert.rejects(ask({ path: "a\0b" }), {
    kind: "internal",
    message: 'detected null byte in command argument "a\\x00b"',
  });
  await assertRepositoryErrors((address) =>
    client.lastCommitForPath({ ...(address && { repository: address }) }),
  );
});

test("lastCommitForPath finds nothing in an empty repository", async (t) => {
  const { ask } = await fixture(t, "sha1");
  assert.equal(await ask(), undefined);
});
