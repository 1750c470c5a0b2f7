import { isConnected } from "../../../git/receive/connectivity-walk.ts";
import { KnownHistory } from "../../../git/receive/known-history.ts";
import type { ReceiveSettings } from "../../../git/receive/receive-settings.ts";
import type { GitRepository } from "../../../git/repository/git-repository.ts";
import type { ConfigPair } from "../../../gitcmd/git-command.ts";
import type { GitDirectory } from "../../../gitcmd/git-directory.ts";
import type { GitRunner } from "../../../gitcmd/git-runner.ts";
import type { GitCall } from "../git-call.ts";
import type { PushOutput } from "./push-output.ts";
import { isZero, type PushedRef } from "./pushed-ref.ts";

/** A repository and the push that it is to receive. */
export interface ConnectivityNeeds {
  readonly git: GitRunner;
  /** The repository without the push. */
  readonly before: Pick<GitRepository, "objects" | "refs" | "history">;
  /** The repository with the push's objects. */
  readonly after: Pick<GitRepository, "objects">;
  /** The same for git. */
  readonly directory: GitDirectory;
  readonly settings: ReceiveSettings;
  /** What git is configured with for this push. */
  readonly config: readonly ConfigPair[];
  /** Whether a long check tells how far it is. */
  readonly showsProgress: boolean;
  /** Walks of more objects are left to git at once. */
  readonly isSmall: boolean;
}

/** Refuses references that would lead to objects that aren't there. */
export async function checkPushConnectivity(
  needs: ConnectivityNeeds,
  refs: readonly PushedRef[],
  output: PushOutput,
  call: GitCall,
): Promise<void> {
  const tips = refs.filter(({ isDeletion }) => !isDeletion).map(({ command }) => command.newOid);
  if (tips.length === 0) return;
  if (needs.isSmall && (await isSurelyConnected(needs, refs, call))) return;
  const progress = needs.showsProgress ? ["--progress=Checking connectivity"] : [];
  const flags = ["--not", "--exclude-hidden=receive", "--all", ...CHECK_FLAGS, ...progress];
  const relay = (chunk: Buffer): Promise<void> => output.progress(chunk);
  if (await gitFindsConnected(needs, tips, flags, relay, call)) return;
  for (const ref of refs) {
    const { newOid } = ref.command;
    if (isZero(newOid)) continue;
    const relayAside = (chunk: Buffer): Promise<void> => output.stderr(chunk);
    const single = ["--not", "--all", ...CHECK_FLAGS];
    if (await gitFindsConnected(needs, [newOid], single, relayAside, call)) continue;
    ref.refusal = "missing necessary objects";
  }
}

const CHECK_FLAGS = ["--quiet", "--alternate-refs"];

async function isSurelyConnected(
  { before, after, settings }: ConnectivityNeeds,
  refs: readonly PushedRef[],
  { signal }: GitCall,
): Promise<boolean> {
  const commands = refs.map(({ command }) => command);
  const known = new KnownHistory(before, commands, settings.hiddenRefs, signal);
  const tips = new Set(
    commands.filter(({ newOid }) => !isZero(newOid)).map(({ newOid }) => newOid),
  );
  return isConnected(after.objects, tips, known, signal);
}

async function gitFindsConnected(
  { git, directory, config }: ConnectivityNeeds,
  tips: readonly string[],
  flags: readonly string[],
  relay: (chunk: Buffer) => Promise<void>,
  { signal, usage }: GitCall,
): Promise<boolean> {
  const command = {
    name: "rev-list",
    config,
    flags: ["--objects", "--stdin", ...flags],
  } as const;
  await using process = await git.start(directory, command, {
    signal,
    usage,
    stdin: "pipe",
    stderr: "stream",
  });
  process.feed(Buffer.from(tips.map((tip) => `${tip}\n`).join(""))).catch(() => undefined);
  process.stdout.resume();
  for await (const chunk of process.stderr as AsyncIterable<Buffer>) await relay(chunk);
  const { exitCode, signal: ended } = await process.exited;
  if (ended !== undefined) signal.throwIfAborted();
  return exitCode === 0;
}
