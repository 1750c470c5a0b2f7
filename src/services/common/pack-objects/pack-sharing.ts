import type { ObjectFormat } from "../../../git/oid/oid.ts";
import type { ConfigPair } from "../../../gitcmd/git-command.ts";
import {
  encodeHooksPayload,
  HOOKS_PAYLOAD_VARIABLE,
  type HooksPayload,
} from "../../../hooks/payload/hooks-payload.ts";
import type { Call } from "../../../rpc/call.ts";
import type { RepositoryAddress } from "../../../storage/locator/repository-locator.ts";
import { featureFlags } from "../feature-flags.ts";

/** How git runs the program that has the server make its packs. */
export interface PackSharingOptions {
  /** `gitaly-hooks`, as a shell takes it. */
  readonly hookCommand: string;
  readonly runtimeDirectory: string;
  /** Where the program finds the server. */
  readonly internalSocketPath: string;
  /** What the server asks of callers; empty for nothing. */
  readonly token: string;
}

/** A fetch that git serves. */
export interface SharedFetch {
  /** The repository as the client names it. */
  readonly address: RepositoryAddress;
  readonly objectFormat: ObjectFormat;
  readonly protocol: "ssh" | "http";
}

/** What `git upload-pack` is started with. */
export interface PackSharingSettings {
  readonly config: readonly ConfigPair[];
  readonly env: Readonly<Record<string, string>>;
}

/** Has `git upload-pack` ask the server for packs, where packs are shared between fetches. */
export class PackSharing {
  readonly #options: PackSharingOptions | undefined;

  /** @param options undefined when git makes each pack by itself */
  constructor(options: PackSharingOptions | undefined) {
    this.#options = options;
  }

  settings({ address, objectFormat, protocol }: SharedFetch, call: Call): PackSharingSettings {
    if (this.#options === undefined) return { config: [], env: {} };
    const { hookCommand, runtimeDirectory, internalSocketPath, token } = this.#options;
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
      config: [{ key: "uploadpack.packObjectsHook", value: hookCommand }],
      env: {
        [HOOKS_PAYLOAD_VARIABLE]: encodeHooksPayload(payload),
        CORRELATION_ID: call.correlationId,
      },
    };
  }
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
