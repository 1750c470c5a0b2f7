import { join } from "node:path";
import type { VotePhase } from "../../hooks/transaction/reference-voter.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { replaceFile } from "../../storage/file/replace-file.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { statusText } from "../common/status-text.ts";
import type { TransactionVotes } from "../common/transaction-votes.ts";
import type { SourceServer } from "./create-replica.ts";

/** A configuration file beyond this size is none. */
const CONFIG_BYTES_MAX = 16 * 1024 * 1024;

/** Only the server changes it, by replacing it. */
const CONFIG_MODE = 0o400;

/** Makes a repository's configuration file that of another one. */
export async function replicateConfig(
  votes: TransactionVotes,
  server: SourceServer,
  source: Repository,
  { path }: LocatedRepository,
  call: Call,
): Promise<void> {
  const content = await readConfig(server, source, call);
  const transaction = votes.transactionOf(call);
  const vote = async (bytes: Uint8Array, phase: VotePhase, doing: string): Promise<void> => {
    if (transaction === undefined) return;
    try {
      await votes.vote(transaction, bytes, phase, call.signal);
    } catch (error) {
      throw wrapError("internal", doing, error);
    }
  };
  const preimage = "voting on locked file: preimage vote at";
  await replaceFile(join(path, "config"), content, {
    mode: CONFIG_MODE,
    prepare: async () => {
      const announcement = Buffer.from("preparing commit locked file");
      await vote(announcement, "preparing", `${preimage} preparing phase`);
      await vote(content, "prepared", `${preimage} prepared phase`);
    },
    commit: () => vote(content, "committed", "postimage vote at committed phase"),
  });
}

async function readConfig(
  { client, metadata }: SourceServer,
  source: Repository,
  { signal }: Call,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const { data } of client.getConfig({ repository: source }, { signal, metadata })) {
      chunks.push(data);
      length += data.length;
      if (length > CONFIG_BYTES_MAX) throw new RpcError("internal", "configuration is too large");
    }
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new RpcError(error.kind, statusText(error), { cause: error });
  }
  return Buffer.concat(chunks, length);
}
