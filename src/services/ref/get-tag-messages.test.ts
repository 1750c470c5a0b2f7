import assert from "node:assert/strict";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getTagMessages streams whole messages in the order they are asked for", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository, git, gitLine } = server.repository({ format });
    const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
    const long = `${"x".repeat(300_000)}\n\nend`;
    git(["tag", "-m", "short", "one", commit]);
    git(["tag", "-F", "-", "two", commit], { input: long });
    git(["tag", "-m", "", "empty", commit]);
    const [one, two, empty] = ["one", "two", "empty"].map((name) => gitLine(["rev-parse", name]));
    const tagIds = [two ?? "", one ?? "", empty ?? "", one?.slice(0, 8) ?? ""];
    const replies = await collect(client.getTagMessages({ repository, tagIds }));
    const messages: [string, string][] = [];
    for (const { tagId, message } of replies) {
      if (tagId !== "") messages.push([tagId, ""]);
      const last = messages.at(-1);
      if (last !== undefined) last[1] += Buffer.from(message).toString();
    }
    const expected = [`${long}\n`, "short\n", "", "short\n"];
    assert.deepEqual(
      messages,
      tagIds.map((id, index) => [id, expected[index]]),
    );
    const sizes = replies.slice(1, 4).map(({ message }) => message.length);
    assert.deepEqual(sizes, [128 * 1024, 128 * 1024, long.length + 1 - 256 * 1024]);
  }
});

test("getTagMessages fails on what is no annotated tag", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine } = server.repository();
  const tree = gitLine(["mktree"]);
  const cases = [
    [tree, "getting tag: expected tag, got tree"],
    [gitLine(["commit-tree", tree, "-m", "m"]), "getting tag: expected tag, got commit"],
    ["1".repeat(40), "getting tag: object not found"],
    ["missing", "getting tag: object not found"],
  ] as const;
  for (const [id, message] of cases) {
    const replies = client.getTagMessages({ repository, tagIds: [id] });
    await assert.rejects(collect(replies), { kind: "internal", message });
  }
  assert.deepEqual(await collect(client.getTagMessages({ repository })), []);
  await assertRepositoryErrors((address) =>
    client.getTagMessages({ ...(address && { repository: address }) }),
  );
});
