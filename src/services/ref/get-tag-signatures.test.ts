import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBinary } from "../../git/ref/binary-string.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----";

test("getTagSignatures takes tags apart", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository, git, gitLine } = server.repository({ format });
    const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
    git(["tag", "-m", "plain", "plain", commit]);
    git(["tag", "-m", `signed\n${SIGNATURE}`, "signed", commit]);
    git(["tag", "light", commit]);
    git(["tag", "-m", "nested", "nested", "signed"]);
    const list = async (...tagRevisions: string[]): Promise<string[][]> => {
      const replies = await collect(client.getTagSignatures({ repository, tagRevisions }));
      return replies.flatMap(({ signatures }) =>
        signatures.map(({ tagId, signature, content }) => {
          return [tagId, Buffer.from(signature).toString(), Buffer.from(content).toString()];
        }),
      );
    };
    const ids = Object.fromEntries(
      ["plain", "signed", "nested"].map((name) => [name, gitLine(["rev-parse", name])]),
    );
    const content = (name: string): string => git(["cat-file", "tag", name]).toString();
    const signed = [ids["signed"], SIGNATURE, content("signed").replace(`${SIGNATURE}\n`, "")];
    const plain = [ids["plain"], "", content("plain")];
    assert.deepEqual(await list(ids["signed"] ?? ""), [signed]);
    assert.deepEqual(await list("refs/tags/plain"), [plain]);
    assert.deepEqual(await list("light"), []);
    const all = await list("--tags");
    const found = all.map(([id = ""]) => id).toSorted(compareBinary);
    assert.deepEqual(found, Object.values(ids).toSorted(compareBinary));
    assert.deepEqual(await list("--not", "--all"), []);
  }
});

test("getTagSignatures refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository } = server.repository();
  const failure = "cat-file iterator stop: rev-list pipeline command: exit status 128, stderr:";
  const cases: readonly [string[], kind: string, message: string][] = [
    [[], "invalid-argument", "missing revisions"],
    [["--foobar"], "invalid-argument", "invalid revision: revision can't start with '-'"],
    [["b6ee"], "internal", `${failure} "fatal: bad revision 'b6ee'\\n"`],
  ];
  for (const [tagRevisions, kind, message] of cases) {
    const replies = client.getTagSignatures({ repository, tagRevisions });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.getTagSignatures({ ...(address && { repository: address }) }),
  );
});

test("getTagSignatures lists tags in git's order", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine, gitLines } = server.repository();
  const tree = gitLine(["mktree"]);
  const one = gitLine(["commit-tree", tree, "-m", "one"]);
  const two = gitLine(["commit-tree", tree, "-p", one, "-m", "two"]);
  git(["tag", "-m", "old", "old", one]);
  git(["tag", "-m", "new", "new", two]);
  git(["tag", "-m", "of a tree", "of-tree", tree]);
  git(["tag", "-m", "nested", "nested", "old"]);
  git(["tag", "-m", "deeper", "deeper", "nested"]);
  const cases = [
    ["new", "old"],
    ["old", "new", "old"],
    ["deeper", "old", "of-tree"],
    ["old", "deeper", "refs/tags/new"],
    ["nested^{}", "new"],
    ["deeper^{tag}", tree, two],
    ["deeper", "^nested"],
    ["new..deeper"],
    ["deeper^!"],
    ["--tags", "--not", "new"],
  ];
  const walk = ["--stdin", "--in-commit-order", "--objects", "--no-object-names"];
  const flags = [...walk, "--filter=object:type=tag", "--filter-provided-objects"];
  for (const tagRevisions of cases) {
    const replies = await collect(client.getTagSignatures({ repository, tagRevisions }));
    const ids = replies.flatMap(({ signatures }) => signatures.map(({ tagId }) => tagId));
    const input = tagRevisions.join("\n");
    const expected = gitLines(["rev-list", ...flags], { input });
    assert.deepEqual(ids, expected, input);
  }
});
