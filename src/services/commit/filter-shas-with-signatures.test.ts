import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { writeRawCommit } from "../../testing/write-raw-commit.ts";

test("filterShasWithSignatures answers each request", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository, git, gitLine } = served;
    const sign = (kind: string, header = "gpgsig"): string =>
      writeRawCommit(served, { headers: `${header} -----BEGIN ${kind}-----\n x\n` });
    const pgp = sign("PGP SIGNATURE");
    const ssh = sign("SSH SIGNATURE", "gpgsig-sha256");
    const x509 = sign("SIGNED MESSAGE");
    const garbage = sign("GARBAGE");
    const other = sign("PGP SIGNATURE", "gpgsig-garbage");
    const plain = writeRawCommit(served, {});
    git(["update-ref", "refs/heads/main", pgp]);
    const all = [plain, pgp, garbage, "main", ssh, other, "0".repeat(pgp.length), x509];
    const requests = [
      { repository, shas: all.map((sha) => Buffer.from(sha)) },
      { shas: [] },
      { shas: [Buffer.from(pgp.slice(0, 10)), Buffer.from(gitLine(["mktree"]))] },
    ];
    const replies = await collect(client.filterShasWithSignatures(requests));
    assert.deepEqual(
      replies.map(({ shas }) => shas.map((sha) => Buffer.from(sha).toString())),
      [[pgp, "main", ssh, x509], [], [pgp.slice(0, 10)]],
    );
  }
});

test("filterShasWithSignatures needs a repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  await assertRepositoryErrors((address) =>
    client.filterShasWithSignatures([{ ...(address && { repository: address }) }]),
  );
});

test("filterShasWithSignatures stops when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const gone = new AbortController();
  async function* requests() {
    yield { repository, shas: [] };
    // The call ends before there is another one.
    await new Promise((resolve) => gone.signal.addEventListener("abort", resolve));
  }
  const replies = client.filterShasWithSignatures(requests(), { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
