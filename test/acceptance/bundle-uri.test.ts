import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { type Forge, startForge } from "./forge.ts";
import { GitClient } from "./git-client.ts";
import { addCommit, makeWorkTree } from "./work-tree.ts";

const URL_PATH = "group/project.git";

async function generateBundle(forge: Forge): Promise<void> {
  await using channel = dial(forge.grpcAddress);
  await createClient(RepositoryService, channel).generateBundleURI({
    repository: { storageName: "default", relativePath: URL_PATH },
  });
}

/** Clones with a trace of what git does over HTTP. */
async function cloneTraced(folder: string, url: string, name: string, config: string[]) {
  const trace = join(folder, `${name}.trace`);
  const outside = new GitClient({ cwd: folder, config, env: { GIT_TRACE_CURL: trace } });
  await outside.run("clone", "-q", url, name);
  const clone = outside.with({ cwd: join(folder, name), env: { GIT_TRACE_CURL: "" } });
  await clone.run("fsck", "--strict", "--no-dangling");
  return { clone, requests: readTrace(trace) };
}

function readTrace(path: string): string[] {
  try {
    const text = readFileSync(path, "utf8");
    return [...text.matchAll(/=> Send header: ((?:GET|POST) \S*)/g)].map(([, line = ""]) => line);
  } catch {
    // Nothing went over HTTP.
    return [];
  }
}

suite("a bundle that the server has made", { concurrency: 2 }, () => {
  for (const transport of ["http", "ssh"] as const) {
    test(`is downloaded by who clones over ${transport} and wants it`, async (t) => {
      const forge = await startForge(t, 'feature_flags = ["bundle_uri"]');
      const folder = temporaryDirectory(t);
      const url = `${forge[transport]}/${URL_PATH}`;
      const work = await makeWorkTree(join(folder, "work"), "sha1");
      await work.run("push", "-q", url, "main", "side", "v1");
      const wanting = ["transfer.bundleURI=true"];
      const isBundle = (request: string) => request.startsWith("GET /-/bundles?");

      const before = await cloneTraced(folder, url, "before", wanting);
      assert.equal(before.requests.some(isBundle), false);
      await generateBundle(forge);
      const last = await addCommit(work, "after the bundle");
      await work.run("push", "-q", url, "main");

      const { clone, requests } = await cloneTraced(folder, url, "wanting", wanting);
      assert.equal(requests.filter(isBundle).length, 1, requests.join("\n"));
      assert.equal(await clone.run("rev-parse", "HEAD"), last);
      assert.equal(await clone.run("config", "fetch.bundleCreationToken"), "1");
      assert.match(await clone.run("for-each-ref", "refs/bundles"), /refs\/bundles\//);
      const plain = await cloneTraced(folder, url, "plain", []);
      assert.equal(plain.requests.some(isBundle), false);
      const refs = [
        "for-each-ref",
        "--format=%(refname) %(objectname)",
        "refs/remotes",
        "refs/tags",
      ];
      assert.equal(await clone.run(...refs), await plain.clone.run(...refs));
    });
  }
});
