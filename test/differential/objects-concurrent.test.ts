import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hashObject } from "../../src/git/object/object-hash.ts";
import { parseOid } from "../../src/git/oid/oid.ts";
import { ReaderResources } from "../../src/git/pack/reader-resources.ts";
import { RepositoryCache } from "../../src/git/repository/repository-cache.ts";
import { createTestRepository, findTestGit } from "../../src/testing/git-repository.ts";
import { generateHistory } from "./objects-fixture.ts";
import { Random, testSeed } from "./objects-random.ts";

/** Reads while the other process works; more with GITALY_TEST_READ_COUNT. */
const READS = Number.parseInt(process.env["GITALY_TEST_READ_COUNT"] ?? "20000", 10);

/** What another process does to the repository, over and over, until its input ends. */
const STORM = `
  git=$1 i=0
  export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@d
  while test ! -e stop; do
    i=$((i + 1))
    tree=$("$git" rev-parse tip^{tree})
    commit=$(echo "storm $i" | "$git" commit-tree -p tip "$tree")
    "$git" update-ref refs/heads/storm "$commit"
    "$git" tag -f "storm-$((i % 5))" "$commit" >/dev/null
    case $((i % 6)) in
    0) "$git" repack -dq ;;
    1) "$git" repack -dq && "$git" multi-pack-index write ;;
    2) "$git" repack -adq --write-midx ;;
    3) "$git" repack -Adq && "$git" commit-graph write --reachable --changed-paths --no-progress ;;
    4) "$git" commit-graph write --reachable --split --no-progress
       "$git" update-ref -d refs/heads/storm ;;
    5) "$git" -c gc.auto=1 gc -q --prune=now ;;
    esac
    echo "$i"
  done
`;

for (const format of ["sha1", "sha256"] as const) {
  test(`${format}: answers stay right while another process repacks`, {
    timeout: 600_000,
  }, async (t) => {
    const seed = testSeed();
    t.diagnostic(`GITALY_TEST_SEED=${seed}`);
    const random = new Random(seed);
    const real = createTestRepository(t, { format });
    generateHistory(real, random, { commits: 60, rootOneIn: 1000 });
    const tip = parseOid(real.gitLine(["rev-parse", "refs/heads/work"]));
    assert.ok(tip);
    real.git(["tag", "tip", tip]);
    const listed = real.gitLines(["rev-list", "--objects", "--no-object-names", tip]);
    const oids = listed.map(parseOid).filter((oid) => oid !== undefined);
    const count = real.gitLines(["rev-list", tip]).length;
    const storm = spawn("/bin/sh", ["-ec", STORM, "storm", findTestGit()], {
      cwd: real.path,
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let rounds = 0;
    let complaints = "";
    storm.stdout.on("data", (data) => {
      rounds += String(data).split("\n").length - 1;
    });
    storm.stderr.on("data", (data) => {
      complaints += String(data);
    });
    const ended = once(storm, "exit");
    const resources = new ReaderResources({ descriptorsMax: 6, contentBytesMax: 100_000 });
    const cache = new RepositoryCache(resources);
    t.after(() => cache.close());
    const { signal } = new AbortController();
    const missing = hashObject("blob", Buffer.from("never written"), format);
    try {
      for (let i = 0; i < READS || rounds < 12; i++) {
        const repository = cache.open(real.path);
        const oid = random.pick(oids);
        const object =
          i % 7 === 0 ? await repository.objects.load(oid, signal) : repository.objects.read(oid);
        assert.ok(object, `read ${i}: ${oid} is missing`);
        if (i % 5 === 0) assert.equal(hashObject(object.type, object.content, format), oid);
        assert.ok(repository.objects.header(oid), `header ${i}: ${oid} is missing`);
        if (i % 50 === 0) {
          assert.equal(await repository.history.count({ tips: [{ oid: tip }] }, signal), count);
          assert.equal(repository.objects.has(missing), false);
        }
        // Lets the other process's output in.
        if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      writeFileSync(join(real.path, "stop"), "");
      await ended;
    }
    t.diagnostic(`${rounds} rounds of the other process`);
    assert.equal(storm.exitCode, 0, complaints);
  });
}
