import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository } from "../../testing/git-repository.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { ChangedPathFilter, murmur3 } from "./changed-path-filter.ts";
import { CommitGraph } from "./commit-graph.ts";
import { PathSelection } from "./path-selection.ts";

test("murmur3 gives the published values", () => {
  assert.equal(murmur3(Buffer.from(""), 0), 0);
  assert.equal(murmur3(Buffer.from("Hello world!"), 0), 0x627b0c2c);
  const fox = Buffer.from("The quick brown fox jumps over the lazy dog");
  assert.equal(murmur3(fox, 0), 0x2e4ff723);
  assert.equal(murmur3(Buffer.from([0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]), 0), 0xa183ccfd);
});

for (const version of [1, 2]) {
  test(`filters of version ${version} rule out the commits that leave a path alone`, (t) => {
    const repository = createTestRepository(t);
    const paths = ["a", "dir/b", "dir/sub/c", "d\u00e9"];
    const parts = Array.from({ length: 40 }, (_, i) => {
      const committer = `committer C <c@d> ${1_600_000_000 + i} +0000\ndata 1\nx`;
      const file = `M 100644 inline ${paths[i % paths.length]}\ndata <<E\n${i}\nE\n`;
      return `commit refs/heads/main\n${committer}\n${file}\n`;
    });
    repository.git(["fast-import", "--quiet"], { input: parts.join("") });
    const config = ["-c", `commitGraph.changedPathsVersion=${version}`];
    repository.git([...config, "commit-graph", "write", "--reachable", "--changed-paths"]);
    const graph = CommitGraph.open({
      directories: [join(repository.path, "objects")],
      format: "sha1",
      resources: new ReaderResources(),
    });
    assert.ok(graph);
    t.after(() => graph.close());
    const [layer] = graph.layers;
    assert.ok(layer);

    const asked = ["a", "dir", "dir/", "dir/b", "dir/sub/c", "none", "d\u00e9"];
    for (const path of asked) {
      const selection = PathSelection.parse([Buffer.from(path)]);
      assert.ok(selection);
      const filter = new ChangedPathFilter(layer, selection.paths);
      const changing = new Set(repository.gitLines(["log", "--format=%H", "main", "--", path]));
      let ruledOut = 0;
      for (let position = 0; position < graph.count; position++) {
        if (filter.mayChange(position) !== false) continue;
        ruledOut++;
        assert.ok(!changing.has(graph.oidAt(position)), `${path} ${graph.oidAt(position)}`);
      }
      // Version 1 can't be trusted with bytes above 127.
      const isTrusted = version === 2 || path !== "d\u00e9";
      if (isTrusted) assert.ok(ruledOut > (40 - changing.size) / 2, `${path}: ${ruledOut}`);
      else assert.equal(ruledOut, 0);
    }
  });
}

test("a path out of the repository selects nothing", () => {
  for (const path of ["/a", "..", "a/../../b", "a\0b"]) {
    assert.equal(PathSelection.parse([Buffer.from(path)]), undefined);
  }
  assert.equal(PathSelection.parse([]), undefined);
  const { paths } =
    PathSelection.parse(["./a//b/", "a/../c", "."].map((p) => Buffer.from(p))) ?? {};
  assert.deepEqual(paths?.map(String), ["a/b", "c", ""]);
});
