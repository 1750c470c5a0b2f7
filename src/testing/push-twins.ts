import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { SSHService } from "../proto/ssh_pb.ts";
import { createClient } from "../rpc/client/client.ts";
import { openTestRepository } from "./git-repository.ts";
import { afterFlush, bandsOf } from "./pkt-lines.ts";
import { cloneForPush, pushBytes, writeCommit } from "./test-commits.ts";
import type { ServedRepository, TestServer } from "./test-server.ts";
import type { TransactionClient } from "./transaction-client.ts";

const MAIN = "refs/heads/main";

/** Capabilities that the clients of these tests ask for. */
export const PUSH_CAPABILITIES = "report-status side-band-64k object-format=sha1";

/** What a client of receive-pack is told. */
export interface PushAnswer {
  readonly data: string;
  readonly progress: string;
  readonly stderr: string;
  readonly exitStatuses: readonly number[];
  readonly error: string | undefined;
}

/** Says `input` to receive-pack, over SSH, and listens to the end. */
export async function sayToReceivePack(
  server: TestServer,
  { address }: Pick<ServedRepository, "address">,
  input: Uint8Array,
  transaction?: TransactionClient,
): Promise<PushAnswer> {
  const stdout: Uint8Array[] = [];
  let stderr = "";
  const exitStatuses: number[] = [];
  let error: string | undefined;
  const repository = { ...address, glRepository: "project-1" };
  const requests = [{ repository, glId: "user-1" }, { stdin: input }];
  const client =
    transaction === undefined
      ? server.client(SSHService)
      : createClient(SSHService, transaction.channel);
  const options = transaction && { metadata: transaction.metadata };
  try {
    for await (const reply of client.sSHReceivePack(requests, options)) {
      stdout.push(reply.stdout);
      stderr += Buffer.from(reply.stderr).toString();
      if (reply.exitStatus !== undefined) exitStatuses.push(reply.exitStatus.value);
    }
  } catch (failure) {
    error = String(failure);
  }
  const answer = afterFlush(Buffer.concat(stdout));
  const hasBands = answer[4] === 1 || answer[4] === 2;
  const { data, progress } = hasBands ? bandsOf(answer) : { data: answer, progress: "" };
  return { data: data.toString(), progress, stderr, exitStatuses, error };
}

/** Two repositories with the same content; only git receives pushes to the second. */
export function twinsForPush(server: TestServer): readonly [ServedRepository, ServedRepository] {
  const own = server.repository();
  writeCommit(own, { ref: "refs/heads/main" });
  own.git(["update-ref", "refs/heads/other", MAIN]);
  const relativePath = own.address.relativePath.replace(/\.git$/, "-git.git");
  const path = join(server.storagePath, relativePath);
  cpSync(own.path, path, { recursive: true });
  const git = { ...openTestRepository(path, "sha1"), address: { ...own.address, relativePath } };
  git.git(["config", "receive.procReceiveRefs", "refs/nobody"]);
  return [own, git];
}

/** Everything in a repository that a push may change. */
export function pushedState(repository: ServedRepository): unknown {
  const objects = readdirSync(join(repository.path, "objects"));
  return {
    refs: repository.gitLines(["for-each-ref"]),
    objects: repository.gitLines(["cat-file", "--batch-check", "--batch-all-objects"]),
    leftovers: objects.filter((name) => name.startsWith("tmp_")),
    locks: readdirSync(join(repository.path, "objects/pack")).filter((name) =>
      name.endsWith(".keep"),
    ),
  };
}

/** What a client has to push on top of `main`. */
export interface PushSource {
  readonly from: string;
  readonly to: string;
  /** Commands for main and a pack that has what they need. */
  readonly push: (capabilities?: string) => Buffer;
  readonly pack: Buffer;
  readonly tree: string;
  readonly blob: string;
  readonly packOf: (...oids: readonly string[]) => Buffer;
}

/** Makes a commit on top of what `served` has, in a repository of its own. */
export function makePushSource(t: TestContext, served: ServedRepository): PushSource {
  const source = cloneForPush(t, served);
  const from = source.gitLine(["rev-parse", MAIN]);
  const to = writeCommit(source, { content: "pushed\n", parents: [from] });
  const push = (capabilities = PUSH_CAPABILITIES): Buffer =>
    pushBytes(source, [{ ref: MAIN, from, to }], capabilities);
  const whole = push();
  return {
    from,
    to,
    push,
    pack: whole.subarray(whole.indexOf("0000PACK") + 4),
    tree: source.gitLine(["rev-parse", `${to}^{tree}`]),
    blob: source.gitLine(["rev-parse", `${to}:file`]),
    packOf: (...oids) =>
      source.git(["pack-objects", "--stdout", "-q"], {
        input: oids.map((oid) => `${oid}\n`).join(""),
      }),
  };
}

/** Speeds, paths and what git counts while it unpacks depend on the moment. */
export function withoutMoments({ progress, stderr, ...rest }: PushAnswer): unknown {
  return { ...rest, progress: momentless(progress), stderr: momentless(stderr) };
}

function momentless(text: string): string {
  return text
    .replaceAll(/, [\d.]+ (?:bytes|[KMG]iB) \| [^,]*/g, "")
    .replaceAll(/tmp_objdir-incoming-\w+/g, "X")
    .replaceAll(/\/[^' ]*repository-\d+(?:-git)?\.git/g, "PATH");
}

/** The quarantines that are in a repository now. */
export function quarantinesIn({ path }: ServedRepository): string[] {
  return readdirSync(join(path, "objects")).filter((name) => name.startsWith("tmp_"));
}
