import { ServerService } from "../../src/proto/server_pb.ts";
import { parseAddress } from "../../src/rpc/client/address.ts";
import { dial } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { findListeningProcess } from "../process/listening-process.ts";
import type { Target } from "./target.ts";

/** A server somebody else has started, as the command line names it. */
export interface TargetAddress {
  readonly name: string;
  readonly address: string;
  readonly storagePath: string | undefined;
}

/** Reads `name=address` or `name=address#/path/of/storage`, several with spaces between them. */
export function parseTargets(text: string): TargetAddress[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return words.map((word) => {
    const match = /^([^=]+)=([^#]+)(?:#(.+))?$/.exec(word);
    if (match === null) throw new Error(`not a target (name=address#storage): ${word}`);
    const [, name = "", address = "", storagePath] = match;
    parseAddress(address);
    return { name, address, storagePath };
  });
}

/** Looks at a running server: what its storage is called and which process it is. */
export async function openExternalTarget(
  { name, address, storagePath }: TargetAddress,
  token: string | undefined,
): Promise<Target> {
  await using channel = dial(address, { token });
  const { storageStatuses } = await createClient(ServerService, channel).serverInfo({});
  const storageName = storageStatuses[0]?.storageName ?? "default";
  return {
    name,
    address,
    token,
    storageName,
    storagePath,
    pid: findListeningProcess(parseAddress(address)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
