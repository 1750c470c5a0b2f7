import { type DescMessage, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import { BandReader } from "../../gateway/relay/band-reader.ts";
import { exchange } from "../../gateway/relay/exchange.ts";
import { type CommandReply, relayReplies } from "../../gateway/relay/relay-replies.ts";
import {
  SSHReceivePackRequestSchema,
  SSHService,
  SSHUploadArchiveRequestSchema,
  SSHUploadPackWithSidechannelRequestSchema,
} from "../../proto/ssh_pb.ts";
import type { CallOptions } from "../../rpc/client/call-options.ts";
import type { Channel } from "../../rpc/client/channel.ts";
import { createClient } from "../../rpc/client/client.ts";
import type { SshProcess } from "./ssh-process.ts";

/** Runs a command on the server for the process that git has started; returns the exit status. */
export type ServeCommand = (
  channel: Channel,
  payload: string,
  process: SshProcess,
  options: CallOptions & { readonly signal: AbortSignal },
) => Promise<number>;

/** The commands by the name that `gitaly-ssh` is given. */
export const COMMANDS: ReadonlyMap<string, ServeCommand> = new Map<string, ServeCommand>([
  ["upload-pack", uploadPack],
  ["receive-pack", receivePack],
  ["upload-archive", uploadArchive],
]);

/** Undoes whatever hides refs on the server: a clone made this way is a server's own. */
const SHOW_ALL_REFS = "transfer.hideRefs=!refs";

async function uploadPack(
  channel: Channel,
  payload: string,
  { stdin, stdout, stderr }: SshProcess,
  options: Parameters<ServeCommand>[3],
): Promise<number> {
  const request = requestOf(SSHUploadPackWithSidechannelRequestSchema, payload);
  request.gitConfigOptions = [SHOW_ALL_REFS, ...request.gitConfigOptions];
  const { signal } = options;
  const bands = new BandReader({ output: stdout, errors: stderr }, signal);
  const client = createClient(SSHService, channel);
  await channel.withSidechannel(
    (stream) => exchange(stream, stdin, signal, (chunk) => bands.take(chunk)),
    (withSidechannel) => client.sSHUploadPackWithSidechannel(request, withSidechannel),
    options,
  );
  return 0;
}

function receivePack(
  channel: Channel,
  payload: string,
  process: SshProcess,
  options: Parameters<ServeCommand>[3],
): Promise<number> {
  const request = requestOf(SSHReceivePackRequestSchema, payload);
  const requests = opened(request, process.stdin);
  const client = createClient(SSHService, channel);
  return relay(client.sSHReceivePack(requests, options), process, options.signal);
}

function uploadArchive(
  channel: Channel,
  payload: string,
  process: SshProcess,
  options: Parameters<ServeCommand>[3],
): Promise<number> {
  const request = requestOf(SSHUploadArchiveRequestSchema, payload);
  const requests = opened(request, process.stdin);
  const client = createClient(SSHService, channel);
  return relay(client.sSHUploadArchive(requests, options), process, options.signal);
}

function requestOf<S extends DescMessage>(schema: S, payload: string): MessageShape<S> {
  try {
    return fromJsonString(schema, payload);
  } catch (error) {
    throw new Error(`json unmarshal: ${error instanceof Error ? error.message : error}`);
  }
}

async function* opened<First>(
  first: First,
  stdin: AsyncIterable<Uint8Array>,
): AsyncGenerator<First | { stdin: Uint8Array }> {
  yield first;
  for await (const chunk of stdin) yield { stdin: chunk };
}

async function relay(
  replies: AsyncIterable<CommandReply>,
  { stdout, stderr }: SshProcess,
  signal: AbortSignal,
): Promise<number> {
  const output = { output: stdout, errors: stderr };
  const { status, failure } = await relayReplies(replies, output, signal);
  if (failure !== undefined) throw failure;
  return status;
}
