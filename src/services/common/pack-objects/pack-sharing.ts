import type { Duplex } from "node:stream";
import { DomainError } from "../../../base/error/domain-error.ts";
import type { ObjectFormat } from "../../../git/oid/oid.ts";
import { splitSideband } from "../../../git/pkt-line/sideband.ts";
import type { CommandUsage } from "../../../gitcmd/command-usage.ts";
import type { ConfigPair } from "../../../gitcmd/git-command.ts";
import type { GitProcess } from "../../../gitcmd/git-runner.ts";
import {
  encodeHooksPayload,
  HOOKS_PAYLOAD_VARIABLE,
  type HooksPayload,
} from "../../../hooks/payload/hooks-payload.ts";
import type { Call } from "../../../rpc/call.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
} from "../../../storage/locator/repository-locator.ts";
import { featureFlags } from "../feature-flags.ts";
import { sendTo } from "../relay.ts";
import { readHookedPack } from "./pack-channel.ts";
import type { PackObjects } from "./pack-objects.ts";

/** How git has the server make its packs. */
export interface PackSharingOptions {
  readonly packObjects: PackObjects;
  /** The hook that talks to the server over descriptor 3, as a shell takes it; where there is one. */
  readonly channelHookCommand: string | undefined;
  /** `gitaly-hooks`, which calls the server, as a shell takes it. */
  readonly hookCommand: string;
  readonly runtimeDirectory: string;
  /** Where the program finds the server. */
  readonly internalSocketPath: string;
  /** What the server asks of callers; empty for nothing. */
  readonly token: string;
}

/** Answers git's hook while `work` is done, which ends git. */
export async function whileSharing<Result>(
  { channel }: Pick<GitProcess, "channel">,
  { serve }: Pick<PackSharingSettings, "serve">,
  usage: CommandUsage,
  work: () => Promise<Result>,
): Promise<Result> {
  if (channel === undefined || serve === undefined) return work();
  const serving = serve(channel, usage);
  try {
    return await work();
  } finally {
    channel.destroy();
    await serving;
  }
}

/** A fetch that git serves. */
export interface SharedFetch {
  readonly repository: LocatedRepository;
  /** The repository as the client names it. */
  readonly address: RepositoryAddress;
  readonly objectFormat: ObjectFormat;
  readonly protocol: "ssh" | "http";
}

/** What `git upload-pack` is started with. */
export interface PackSharingSettings {
  readonly config: readonly ConfigPair[];
  readonly env: Readonly<Record<string, string>>;
  /** Answers the hook on descriptor 3, which git needs where this is defined. Never rejects. */
  readonly serve?: (channel: Duplex, usage: CommandUsage) => Promise<void>;
}

/** Has `git upload-pack` ask the server for packs, where packs are shared between fetches. */
export class PackSharing {
  readonly #options: PackSharingOptions | undefined;

  /** @param options undefined when git makes each pack by itself */
  constructor(options: PackSharingOptions | undefined) {
    this.#options = options;
  }

  settings(fetch: SharedFetch, call: Call): PackSharingSettings {
    const options = this.#options;
    if (options === undefined) return { config: [], env: {} };
    if (options.channelHookCommand === undefined) return callingSettings(options, fetch, call);
    return {
      config: [{ key: HOOK_KEY, value: options.channelHookCommand }],
      env: {},
      serve: (channel, usage) => serveHook(options.packObjects, fetch, channel, { call, usage }),
    };
  }
}

const HOOK_KEY = "uploadpack.packObjectsHook";

/** What the client is told of a failure whose reason isn't for it. */
const FAILED_TEXT = "error executing git hook\n";
const TOO_BUSY_TEXT = "error resource exhausted, please try again later\n";

async function serveHook(
  packObjects: PackObjects,
  { repository, address, protocol }: SharedFetch,
  channel: Duplex,
  { call, usage }: { readonly call: Call; readonly usage: CommandUsage },
): Promise<void> {
  const gone = new AbortController();
  channel.on("error", () => undefined).once("close", () => gone.abort());
  const signal = AbortSignal.any([call.signal, gone.signal]);
  try {
    const pack = await readHookedPack(channel);
    if (pack === undefined) return;
    const remoteIp = call.metadata.get("remote_ip") ?? "";
    const request = { ...pack, repository, address, protocol, remoteIp, usage, signal };
    await packObjects.serve(request, (pieces) => sendTo(channel, pieces), call);
    channel.end("0000");
  } catch (error) {
    call.logFields["pack_objects.error"] = error;
    const isTooBusy = error instanceof DomainError && error.kind === "resource-exhausted";
    const text = isTooBusy ? `${FAILED_TEXT}${TOO_BUSY_TEXT}` : FAILED_TEXT;
    for (const piece of splitSideband(2, Buffer.from(text))) channel.write(piece);
    channel.end();
  }
}

function callingSettings(
  { hookCommand, runtimeDirectory, internalSocketPath, token }: PackSharingOptions,
  { address, objectFormat, protocol }: SharedFetch,
  call: Call,
): PackSharingSettings {
  const payload: HooksPayload = {
    requestedHooks: new Set(["pack-objects"]),
    featureFlags: featureFlags(call.metadata),
    repository: address,
    objectFormat,
    runtimeDirectory,
    internalSocket: internalSocketPath,
    internalSocketToken: token,
    transaction: undefined,
    user: {
      id: call.metadata.get("user_id") ?? "",
      username: call.metadata.get("username") ?? "",
      remoteIp: call.metadata.get("remote_ip") ?? "",
      protocol,
    },
    clientContext: undefined,
  };
  return {
    config: [{ key: HOOK_KEY, value: hookCommand }],
    env: {
      [HOOKS_PAYLOAD_VARIABLE]: encodeHooksPayload(payload),
      CORRELATION_ID: call.correlationId,
    },
  };
}

/** Just the address of what a request names, without what else a message has. */
export function repositoryAddress(named: RepositoryAddress | undefined): RepositoryAddress {
  const {
    storageName = "",
    relativePath = "",
    glRepository = "",
    glProjectPath = "",
  } = named ?? {};
  const { gitObjectDirectory = "", gitAlternateObjectDirectories = [] } = named ?? {};
  const quarantine = { gitObjectDirectory, gitAlternateObjectDirectories };
  return { storageName, relativePath, glRepository, glProjectPath, ...quarantine };
}
