import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("countDivergingCommits counts what git rev-list --left-right counts", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address, gitLine, ...repository } = server.repository({ format });
    addBranchingHistory({ ...repository, gitLine });
    const pairs = ["main side", "side main", "light side", "refs/other/root annotated"];
    for (const pair of [...pairs, "main main", "main~1 HEAD^{commit}", "@{0} side"]) {
      for (const maxCount of [0, 1, 3, 100]) {
        const [from = "", to = ""] = pair.split(" ");
        const { leftCount, rightCount } = await client.countDivergingCommits({
          repository: address,
          from: Buffer.from(from),
          to: Buffer.from(to),
          maxCount,
        });
        const limit = maxCount === 0 ? [] : [`--max-count=${maxCount}`];
        const args = ["rev-list", "--count", "--left-right", ...limit, `${from}...${to}`];
        assert.equal(`${leftCount}\t${rightCount}`, gitLine(args), args.join(" "));
      }
    }
  }
});

test("countDivergingCommits refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "b", "invalid-argument", "from and to are both required"],
    ["a", "", "invalid-argument", "from and to are both required"],
    ["a", "b", "internal", "gi rev-list error: exit status 128"],
    [
      "a\0",
      "b",
      "internal",
      'git rev-list cmd: detected null byte in command argument "a\\x00...b"',
    ],
  ] as const;
  for (const [from, to, kind, message] of cases) {
    const request = { repository, from: Buffer.from(from), to: Buffer.from(to) };
    await assert.rejects(client.countDivergingCommits(request), { kind, message });
  }
  const [from, to] = [Buffer.from("a"), Buffer.from("b")];
  await assertRepositoryErrors((address) =>
    client.countDivergingCommits({ from, to, ...(address && { repository: address }) }),
  );
});
