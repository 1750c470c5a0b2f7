import { hostname } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { ObjectDatabase } from "../../../git/object/object-database.ts";
import type { PushCapabilities } from "../../../git/receive/push-command.ts";
import type { ReceiveSettings } from "../../../git/receive/receive-settings.ts";
import type { ConfigPair, GitCommand, GitFlag } from "../../../gitcmd/git-command.ts";
import type { GitDirectory } from "../../../gitcmd/git-directory.ts";
import { GitExitError, type GitRunner } from "../../../gitcmd/git-runner.ts";
import type { Quarantine } from "../../../storage/quarantine/quarantine.ts";
import type { GitCall } from "../git-call.ts";
import { sendTo } from "../relay.ts";
import type { IncomingPack } from "./incoming-pack.ts";
import type { PushOutput } from "./push-output.ts";
import { takeSmallPack } from "./take-small-pack.ts";

export interface TakePackOptions extends GitCall {
  /** The repository's objects without those of the push. */
  readonly objects: ObjectDatabase;
  readonly settings: ReceiveSettings;
  readonly capabilities: PushCapabilities;
  /** What git is configured with for this push. */
  readonly config: readonly ConfigPair[];
}

/** What became of a pack. */
export interface TakenPack {
  /** Why it couldn't be taken, in the words of the report. */
  readonly failure?: string;
  /** Checksum of a pack that is kept as a pack, and guarded by a `.keep` file until it is used. */
  readonly lockedPack?: string;
  /** Whether everything that the pack's objects lead to is known to be in the pack. */
  readonly isSelfContained?: boolean;
}

/** Packs of more objects are unpacked by git, whatever the limit is. */
const SMALL_PACK_OBJECTS_MAX = 1000;

/** `index-pack`: objects of the pack lead to others outside of it, and those are there. */
const EXIT_LEADS_OUTSIDE = 1;

/** Longest answer of `index-pack`: a word and a checksum. */
const ANSWER_BYTES_MAX = 128;

/**
 * Puts the objects of a pack into a repository's quarantine: small packs into loose objects, others
 * as they are. What git says while it does so is sent to the client.
 */
export async function takePack(
  git: GitRunner,
  quarantine: Pick<Quarantine, "repository" | "objects">,
  pack: IncomingPack,
  output: PushOutput,
  options: TakePackOptions,
): Promise<TakenPack> {
  const { settings, signal } = options;
  const { maxInputBytes, unpackLimit } = settings;
  if (pack.objectCount >= Math.min(unpackLimit, SMALL_PACK_OBJECTS_MAX)) {
    return letGitTake(git, quarantine.repository, pack, output, options);
  }
  const { objects } = options;
  const needs = { objects, writer: quarantine.objects, maxInputBytes, signal };
  const small = await takeSmallPack(pack, needs);
  if (small.isTaken) return {};
  return letGitTake(git, quarantine.repository, small.pack, output, options);
}

async function letGitTake(
  git: GitRunner,
  quarantine: GitDirectory,
  pack: IncomingPack,
  output: PushOutput,
  { settings, capabilities, config, signal, usage }: TakePackOptions,
): Promise<TakenPack> {
  const unpacks = pack.objectCount < settings.unpackLimit;
  const command: GitCommand = unpacks
    ? { name: "unpack-objects", config, flags: unpackFlags(settings, capabilities) }
    : { name: "index-pack", config, flags: indexFlags(settings, capabilities) };
  await using process = await git.start(quarantine, command, {
    signal,
    usage,
    stdin: "wide-pipe",
    stderr: "stream",
  });
  // Git says what is wrong with a pack that ends early.
  feed(process.stdin, pack.bytes).catch(() => undefined);
  const [answer] = await Promise.all([
    readAnswer(process.stdout),
    relayProgress(process.stderr, output, !unpacks && capabilities.sideband),
  ]);
  const followsLinks = !unpacks && settings.fsck !== undefined;
  let isSelfContained: boolean;
  try {
    const { exitCode } = await process.wait(followsLinks ? [EXIT_LEADS_OUTSIDE] : []);
    isSelfContained = followsLinks && exitCode === 0;
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    return { failure: `${command.name} abnormal exit` };
  }
  const lockedPack = /^keep\t([0-9a-f]+)\n$/.exec(answer)?.[1];
  return { isSelfContained, ...(lockedPack !== undefined && { lockedPack }) };
}

function unpackFlags(settings: ReceiveSettings, { quiet }: PushCapabilities): GitFlag[] {
  return [
    ...(quiet ? ["-q"] : []),
    ...(settings.fsck === undefined ? [] : [settings.fsck]),
    ...sizeLimit(settings),
  ];
}

function indexFlags(settings: ReceiveSettings, { quiet, sideband }: PushCapabilities): GitFlag[] {
  return [
    "--stdin",
    `--keep=receive-pack ${process.pid} on ${hostname()}`,
    ...(!quiet && sideband ? ["--show-resolving-progress"] : []),
    ...(sideband ? ["--report-end-of-input"] : []),
    // To check all objects it has to follow their links anyway: it may as well say where they lead.
    ...(settings.fsck === undefined ? [] : [settings.fsck, "--check-self-contained-and-connected"]),
    "--fix-thin",
    ...sizeLimit(settings),
  ];
}

function sizeLimit({ maxInputBytes }: ReceiveSettings): GitFlag[] {
  return maxInputBytes === 0 ? [] : [`--max-input-size=${maxInputBytes}`];
}

/**
 * Writes a pack to git and gives the memory of each piece back at once: left to the garbage
 * collector, the pieces of a large pack cost more than all the rest.
 */
async function feed(stdin: Writable, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of bytes) {
    await sendTo(stdin, [piece]);
    release(piece);
  }
  stdin.end();
}

/** Ends a buffer's life, when it fills most of its memory and is too large to share that. */
function release({ buffer, byteLength }: Uint8Array): void {
  const isOwner = byteLength > buffer.byteLength / 2 && byteLength > Buffer.poolSize / 2;
  if (isOwner && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

async function readAnswer(stdout: Readable): Promise<string> {
  let answer = "";
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    if (answer.length < ANSWER_BYTES_MAX) answer += chunk.toString("latin1");
  }
  return answer;
}

/** A NUL says that the pack is there, and that the client may have to wait. */
async function relayProgress(
  stderr: Readable,
  output: PushOutput,
  announcesEnd: boolean,
): Promise<void> {
  let hasEnded = !announcesEnd;
  for await (const chunk of stderr as AsyncIterable<Buffer>) {
    const end = hasEnded ? -1 : chunk.indexOf(0);
    if (end < 0) {
      await output.progress(chunk);
      continue;
    }
    hasEnded = true;
    output.keepAlive();
    await output.progress(chunk.subarray(0, end));
    await output.progress(chunk.subarray(end + 1));
  }
}
