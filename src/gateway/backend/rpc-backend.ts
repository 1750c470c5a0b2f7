import { DomainError } from "../../base/error/domain-error.ts";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import { parseSideband } from "../../git/pkt-line/sideband.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import type { ExitStatus } from "../../proto/shared_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { type Channel, type DialOptions, dial } from "../../rpc/client/channel.ts";
import { type Client, createClient } from "../../rpc/client/client.ts";
import type { ClientSidechannel } from "../../rpc/sidechannel/client-sidechannel.ts";
import type { RepositoryName } from "../repository-path.ts";
import { write } from "../write.ts";
import type { Body, GitBackend, Streams, TransferRequest, TransferService } from "./git-backend.ts";

/** The exit status of a git command that failed. */
const EXIT_FAILED = 128;

/** Connects to a Gitaly server. The connection is made when it is needed, and again when lost. */
export function connectBackend(
  address: string,
  options: DialOptions,
): GitBackend & AsyncDisposable {
  return new RpcBackend(dial(address, { ...options, sidechannel: true }));
}

class RpcBackend implements GitBackend, AsyncDisposable {
  readonly #channel: Channel;
  readonly #http: Client<typeof SmartHTTPService>;
  readonly #ssh: Client<typeof SSHService>;
  readonly #repositories: Client<typeof RepositoryService>;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#http = createClient(SmartHTTPService, channel);
    this.#ssh = createClient(SSHService, channel);
    this.#repositories = createClient(RepositoryService, channel);
  }

  async *infoRefs(service: TransferService, request: TransferRequest): AsyncGenerator<Uint8Array> {
    const { gitProtocol, signal } = request;
    const message = { repository: request.repository, gitProtocol };
    const replies =
      service === "upload-pack"
        ? this.#http.infoRefsUploadPack(message, { signal })
        : this.#http.infoRefsReceivePack(message, { signal });
    for await (const { data } of replies) yield data;
  }

  async postUploadPack(request: TransferRequest, { input, output }: Body): Promise<void> {
    const { repository, gitProtocol, signal } = request;
    await this.#channel.withSidechannel(
      (stream) => exchange(stream, input, signal, (chunk) => write(output, chunk, signal)),
      (options) => this.#http.postUploadPackWithSidechannel({ repository, gitProtocol }, options),
      { signal },
    );
  }

  async sshUploadPack(request: TransferRequest, streams: Streams): Promise<number> {
    const { repository, gitProtocol, signal } = request;
    const bands = new BandReader(streams, signal);
    try {
      await this.#channel.withSidechannel(
        (stream) => exchange(stream, streams.input, signal, (chunk) => bands.take(chunk)),
        (options) => this.#ssh.sSHUploadPackWithSidechannel({ repository, gitProtocol }, options),
        { signal },
      );
    } catch (error) {
      // git has said on stderr why it failed; the call's error adds nothing for the client.
      if (!bands.sawErrors) throw error;
      return EXIT_FAILED;
    }
    return 0;
  }

  async postReceivePack(request: TransferRequest, { input, output }: Body): Promise<void> {
    const { signal } = request;
    const requests = async function* (): AsyncGenerator<{ data: Uint8Array }> {
      for await (const data of input) yield { data };
    };
    const replies = this.#http.postReceivePack(opened(pushHeader(request), requests()), { signal });
    for await (const { data } of replies) await write(output, data, signal);
  }

  async sshReceivePack(request: TransferRequest, streams: Streams): Promise<number> {
    const { signal } = request;
    const requests = opened(pushHeader(request), stdinOf(streams));
    return relayReplies(this.#ssh.sSHReceivePack(requests, { signal }), streams, signal);
  }

  async sshUploadArchive(request: TransferRequest, streams: Streams): Promise<number> {
    const { repository, signal } = request;
    const requests = opened({ repository }, stdinOf(streams));
    return relayReplies(this.#ssh.sSHUploadArchive(requests, { signal }), streams, signal);
  }

  async repositoryExists(repository: RepositoryName, signal: AbortSignal): Promise<boolean> {
    const { exists } = await this.#repositories.repositoryExists({ repository }, { signal });
    return exists;
  }

  async createRepository(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    try {
      await this.#repositories.createRepository({ repository }, { signal });
    } catch (error) {
      if (!(error instanceof DomainError && error.kind === "already-exists")) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close();
  }
}

/** What the first message of a push says. */
function pushHeader({ repository, identity, gitProtocol }: TransferRequest) {
  const glRepository = repository.relativePath.replace(/\.git$/, "");
  return {
    repository: { ...repository, glRepository, glProjectPath: glRepository },
    gitProtocol,
    glId: identity.id,
    glUsername: identity.username,
    glRepository,
  };
}

async function* opened<First, Rest>(
  first: First,
  rest: AsyncIterable<Rest>,
): AsyncGenerator<First | Rest> {
  yield first;
  yield* rest;
}

async function* stdinOf({ input }: Streams): AsyncGenerator<{ stdin: Uint8Array }> {
  for await (const stdin of input) yield { stdin };
}

/** Passes on what a remote command says; returns its exit status. */
async function relayReplies(
  replies: AsyncIterable<{
    stdout: Uint8Array;
    stderr: Uint8Array;
    exitStatus?: ExitStatus | undefined;
  }>,
  { output, errors }: Streams,
  signal: AbortSignal,
): Promise<number> {
  let status = 0;
  try {
    for await (const { stdout, stderr, exitStatus } of replies) {
      if (stdout.length > 0) await write(output, stdout, signal);
      if (stderr.length > 0) await write(errors, stderr, signal);
      if (exitStatus !== undefined) status = exitStatus.value;
    }
  } catch (error) {
    // A command that failed has said why on stderr; the call's error adds nothing for the client.
    if (status === 0) throw error;
  }
  return status;
}

/** Both ways at once: a client may still send when the server has begun to answer. */
async function exchange(
  stream: ClientSidechannel,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const sending = sendAll(stream, input, signal);
  // A server that has said everything does not wait for what the client still sends.
  sending.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  for await (const chunk of stream as AsyncIterable<Buffer>) await take(chunk);
}

async function sendAll(
  stream: ClientSidechannel,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of input) await write(stream, chunk, signal);
  stream.end();
}

/** Takes apart side-band-64k: data to the output, messages to the error stream. */
class BandReader {
  sawErrors = false;
  readonly #parser = new PktLineParser();
  readonly #streams: Streams;
  readonly #signal: AbortSignal;

  constructor(streams: Streams, signal: AbortSignal) {
    this.#streams = streams;
    this.#signal = signal;
  }

  async take(chunk: Buffer): Promise<void> {
    this.#parser.push(chunk);
    for (let packet = this.#parser.next(); packet !== undefined; packet = this.#parser.next()) {
      if (packet.kind !== "data") continue;
      const { band, data } = parseSideband(packet.data);
      if (band === 1) await write(this.#streams.output, data, this.#signal);
      else {
        this.sawErrors = true;
        await write(this.#streams.errors, data, this.#signal);
      }
    }
  }
}
