import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { ObjectPoolService } from "../../src/proto/objectpool_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { changeFiles } from "../../src/testing/change-files.ts";
import { startGitHttpServer } from "../../src/testing/git-http-server.ts";
import {
  openTestRepository,
  runTestGit,
  temporaryDirectory,
} from "../../src/testing/git-repository.ts";
import { poolAddress } from "../../src/testing/object-pool.ts";
import { OTHER_STORAGE } from "../../src/testing/other-server.ts";
import { TEST_STORAGE } from "../../src/testing/test-server.ts";
import type { Creation, CreationSources } from "./every-creation.ts";

/** A server with a storage and another one, and with a place for backups. */
export interface CreationServer {
  readonly channel: Channel;
  readonly storagePath: string;
  readonly otherPath: string;
}

/** What repositories are made of, and where they are made. */
export interface CreationPlaces {
  readonly sources: CreationSources;
  /** Finds a new place for a call, and puts there what it is about. */
  prepare(creation: Creation): { readonly storageName: string; readonly relativePath: string };
}

/** Makes a repository with a pool, a member of it, a backup and whatever else is needed. */
export async function prepareCreations(
  t: TestContext,
  { channel, storagePath, otherPath }: CreationServer,
): Promise<CreationPlaces> {
  const source = initRepository(join(storagePath, "source.git"));
  const first = changeFiles(source, { "a.txt": "a\n", "b.txt": "b\n" });
  source.git(["update-ref", "refs/keep-around/first", first]);
  mkdirSync(join(source.path, "custom_hooks"));
  writeFileSync(join(source.path, "custom_hooks", "update"), "#!/bin/sh\n", { mode: 0o755 });
  const address = { storageName: TEST_STORAGE, relativePath: "source.git" };
  const pool = poolAddress(0);
  const pools = createClient(ObjectPoolService, channel);
  await pools.createObjectPool({ origin: address, objectPool: { repository: pool } });
  const member = initRepository(join(storagePath, "member.git"));
  const memberAddress = { storageName: TEST_STORAGE, relativePath: "member.git" };
  const link = { repository: memberAddress, objectPool: { repository: pool } };
  await pools.linkRepositoryToObjectPool(link);
  member.git(["update-ref", "refs/heads/main", first]);
  changeFiles(source, { "a.txt": "more\n" });
  source.git(["tag", "-a", "-m", "text", "v1"]);
  cpSync(source.path, join(otherPath, "other.git"), { recursive: true });
  const vanity = { storageName: "any", relativePath: "a.git" };
  const backup = { repository: address, vanityRepository: vanity, backupId: "one" };
  await createClient(RepositoryService, channel).backupRepository(backup);
  const templates = {
    ...{ source: source.path, member: member.path },
    pool: join(storagePath, pool.relativePath),
  };
  let count = 0;
  return {
    sources: {
      ...{ source: address, pool, vanity, url: `file://${source.path}` },
      ...{ other: { storageName: OTHER_STORAGE, relativePath: "other.git" } },
      ...(await serve(t, source.path)),
      bundle: source.git(["bundle", "create", "--quiet", "-", "--all"]),
    },
    prepare: ({ from, isPool = false }) => {
      count += 1;
      const made = isPool
        ? poolAddress(count)
        : { storageName: TEST_STORAGE, relativePath: `made-${count}.git` };
      const path = join(storagePath, made.relativePath);
      mkdirSync(dirname(path), { recursive: true });
      if (from !== undefined) cpSync(templates[from], path, { recursive: true });
      return made;
    },
  };
}

function initRepository(path: string): ReturnType<typeof openTestRepository> {
  runTestGit(["init", "--quiet", "--bare", "--template=", "-b", "main", path], {});
  return openTestRepository(path, "sha1");
}

/** Serves an archive of a repository, and another one to push to. */
async function serve(
  t: TestContext,
  path: string,
): Promise<Pick<CreationSources, "snapshotUrl" | "mirrorUrl">> {
  const mirror = initRepository(join(temporaryDirectory(t), "mirror.git"));
  const archive = execFileSync("tar", ["-C", path, "-c", "HEAD", "objects", "refs"]);
  const { url, port } = await startGitHttpServer(t, mirror.path, (request, response) => {
    if (request.url !== "/snapshot.tar") return false;
    response.end(archive);
    return true;
  });
  return { mirrorUrl: url, snapshotUrl: `http://127.0.0.1:${port}/snapshot.tar` };
}
