import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { cp, mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import type { PlainGit } from "../process/plain-git.ts";
import { pushCommand } from "../rpc/push-stream.ts";
import type { Target } from "../target/target.ts";

/** A repository that a target serves until it is disposed of. */
export interface PlacedRepository extends AsyncDisposable {
  readonly relativePath: string;
  /** No other repository has it. */
  readonly runId: string;
  /** Where it lies on this machine, if the bench knows. */
  readonly path: string | undefined;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Gives a target a repository like the one at `source`.
 *
 * It is copied below the target's storage where that is known, with all that git has made there
 * for speed; else it is pushed, and the server stores it as it likes.
 */
export async function provideRepository(
  git: PlainGit,
  source: string,
  target: Target,
): Promise<PlacedRepository> {
  const runId = randomBytes(4).toString("hex");
  const relativePath = `bench/${runId}.git`;
  const { storagePath } = target;
  if (storagePath === undefined) return pushed(git, source, target, { relativePath, runId });
  const path = join(storagePath, relativePath);
  await mkdir(dirname(path), { recursive: true });
  // Blocks may be shared with the original, files must not: servers set the times of theirs.
  await cp(source, path, { recursive: true, mode: constants.COPYFILE_FICLONE });
  const created = join(storagePath, `bench/${runId}-created`);
  const remove = async (): Promise<void> => {
    for (const each of [path, created]) await rm(each, { recursive: true, force: true });
  };
  return { relativePath, runId, path, [Symbol.asyncDispose]: remove };
}

/** The bare repository at a path: the path itself, or the `.git` in a work tree. */
export async function bareRepositoryAt(path: string): Promise<string> {
  const inside = join(path, ".git");
  const isWorkTree = await stat(inside).then(
    (status) => status.isDirectory(),
    () => false,
  );
  return isWorkTree ? inside : path;
}

async function pushed(
  git: PlainGit,
  source: string,
  { address, token, storageName, name }: Target,
  { relativePath, runId }: { relativePath: string; runId: string },
): Promise<PlacedRepository> {
  console.log(`${name}: no storage path is given, so the repository is pushed`);
  const repository = { storageName, relativePath, glRepository: "project-1" };
  await using channel = dial(address, { token });
  const repositories = createClient(RepositoryService, channel);
  const head = git.text(["-C", source, "symbolic-ref", "--short", "HEAD"]);
  await repositories.createRepository({ repository, defaultBranch: Buffer.from(head) });
  const replies = createClient(SSHService, channel).sSHReceivePack(
    pushRequests(git, source, { repository, glId: "user-1", glUsername: "bench" }),
  );
  let report = "";
  for await (const { stdout, stderr } of replies) {
    report += Buffer.from(stdout).toString() + Buffer.from(stderr).toString();
  }
  if (!report.includes("unpack ok") || report.includes("ng refs/")) {
    throw new Error(`${name} refused the repository: ${report.slice(-500)}`);
  }
  const remove = async (): Promise<void> => {
    await using last = dial(address, { token });
    await createClient(RepositoryService, last).removeRepository({ repository });
  };
  return { relativePath, runId, path: undefined, [Symbol.asyncDispose]: remove };
}

interface FirstRequest {
  readonly repository: { storageName: string; relativePath: string; glRepository: string };
  readonly glId: string;
  readonly glUsername: string;
}

function* pushRequests(
  git: PlainGit,
  source: string,
  first: FirstRequest,
): Generator<FirstRequest | { stdin: Uint8Array }> {
  yield first;
  const rows = git.lines([
    ...["-C", source, "for-each-ref", "--format=%(refname) %(objectname)"],
    ...["refs/heads/", "refs/tags/"],
  ]);
  const refs = rows.map((row) => {
    const [ref = "", commit = ""] = row.split(" ");
    return { ref, commit };
  });
  yield { stdin: pushCommand(refs) };
  const wanted = refs.map(({ commit }) => `${commit}\n`).join("");
  const pack = git.bytes(["-C", source, "pack-objects", "--revs", "--stdout", "-q"], wanted);
  for (let at = 0; at < pack.length; at += CHUNK_BYTES) {
    yield { stdin: pack.subarray(at, at + CHUNK_BYTES) };
  }
}
