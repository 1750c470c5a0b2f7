import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { openTestRepository } from "../../testing/git-repository.ts";
import { bandsOf, DELIM, FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { dialSidechannels } from "../../testing/sidechannel-call.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer } from "../../testing/test-server.ts";

/** Changes nothing, but isn't known to us: such a repository is left to git. */
const LEFT_TO_GIT = ["uploadpack.keepAlive", "5"] as const;

function ask(command: string, ...lines: string[]): Buffer {
  const start = [`command=${command}\n`, "object-format=sha1\n"];
  return pktLines(...start, DELIM, ...lines.map((line) => `${line}\n`), FLUSH);
}

/** Where a message of the server ends: behind a flush. */
function endsWithFlush(bytes: Buffer): boolean {
  const parser = new PktLineParser();
  parser.push(bytes);
  let isEnded = false;
  for (let packet = parser.next(); packet !== undefined; packet = parser.next()) {
    isEnded = packet.kind === "flush";
  }
  return isEnded && parser.bufferedBytes === 0;
}

/** How a pack is cut into packets is a matter of luck. */
function withJoinedPack(answer: Buffer): string {
  const section = "packfile\n";
  const at = answer.indexOf(section) + section.length;
  if (at < section.length) return answer.toString("latin1");
  return answer.toString("latin1", 0, at) + bandsOf(answer.subarray(at)).data.toString("latin1");
}

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  repository.git(["tag", "-a", "-m", "release", "v1", commit]);
  const twin = "twin.git";
  const path = join(server.storagePath, twin);
  cpSync(repository.path, path, { recursive: true });
  openTestRepository(path, repository.format).git(["config", ...LEFT_TO_GIT]);
  const channel = dialSidechannels(t, server);
  const client = createClient(SSHService, channel);
  /** Says one thing after the other, each when the server has answered the one before. */
  const talk = async (relativePath: string, says: readonly Buffer[]) => {
    const address = { ...repository.address, relativePath };
    const request = { repository: address, gitProtocol: "version=2" };
    const answers: string[] = [];
    const converse = async (stream: Duplex): Promise<void> => {
      const left = [...says];
      let raw = Buffer.alloc(0);
      let seen = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        raw = Buffer.concat([raw, chunk]);
        const { data } = bandsOf(raw);
        const answer = data.subarray(seen);
        if (!endsWithFlush(answer)) continue;
        seen = data.length;
        answers.push(withJoinedPack(answer));
        const next = left.shift();
        if (next === undefined) stream.end();
        else stream.write(next);
      }
    };
    try {
      const { packfileNegotiationStatistics: said } = await channel.withSidechannel(
        converse,
        (options) => client.sSHUploadPackWithSidechannel(request, options),
      );
      const { $typeName: _, ...statistics } = said ?? {};
      return { answers, statistics, failure: undefined };
    } catch (error) {
      return { answers, statistics: undefined, failure: String(error) };
    }
  };
  const assertAlike = async (...says: Buffer[]) => {
    const { answers, ...expected } = await talk(twin, says);
    const { answers: own, ...ended } = await talk(repository.address.relativePath, says);
    // Two answers to questions that were asked at once may come as one.
    assert.equal(own.join(""), answers.join(""));
    assert.deepEqual(ended, expected);
    return answers;
  };
  return { commit, assertAlike };
}

test("a client that only asks for references is answered as by git", async (t) => {
  const { assertAlike, commit } = await setUp(t);
  assert.equal((await assertAlike()).length, 1);
  assert.equal((await assertAlike(pktLines(FLUSH))).length, 1);
  const list = ask("ls-refs", "peel", "symrefs", "ref-prefix refs/");
  const [, all = "", heads = ""] = await assertAlike(
    list,
    ask("ls-refs", "ref-prefix refs/heads/"),
    pktLines(FLUSH),
  );
  assert.ok(all.includes(`peeled:${commit}`));
  assert.ok(!heads.includes("refs/tags"));
  assert.equal((await assertAlike(list)).length, 2);
});

test("git goes on where a client asks for more", async (t) => {
  const { assertAlike, commit } = await setUp(t);
  const list = ask("ls-refs", "symrefs");
  const fetch = ask("fetch", "no-progress", `want ${commit}`, "done");
  const [, , pack = ""] = await assertAlike(list, fetch);
  assert.match(pack, /^000dpackfile\n.*PACK/s);
  assert.equal((await assertAlike(fetch)).length, 2);
  const wait = ask("fetch", `want ${commit}`, `have ${"1".repeat(40)}`);
  const [, , acknowledgments = "", rest = ""] = await assertAlike(list, wait, fetch);
  assert.match(acknowledgments, /NAK/);
  assert.match(rest, /PACK/);
  await assertAlike(list, ask("unknown"));
  await assertAlike(Buffer.concat([list, list]));
});
