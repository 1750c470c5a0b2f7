import { DomainError } from "../../base/error/domain-error.ts";
import { writeTo } from "../../base/stream/write-to.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { SSHService } from "../../proto/ssh_pb.ts";
import { type Channel, type DialOptions, dial } from "../../rpc/client/channel.ts";
import { type Client, createClient } from "../../rpc/client/client.ts";
import { BandReader } from "../relay/band-reader.ts";
import { exchange } from "../relay/exchange.ts";
import { type CommandEnd, relayReplies } from "../relay/relay-replies.ts";
import type { RepositoryName } from "../repository-path.ts";
import type { Body, GitBackend, Streams, TransferRequest, TransferService } from "./git-backend.ts";

/** The exit status of a git command that failed. */
const EXIT_FAILED = 128;

export interface BackendOptions extends DialOptions {
  /** Features of the server that clients get who fetch, such as `bundle_uri`. */
  readonly featureFlags?: readonly string[] | undefined;
}

/** Connects to a Gitaly server. The connection is made when it is needed, and again when lost. */
export function connectBackend(
  address: string,
  { featureFlags = [], ...options }: BackendOptions,
): GitBackend & AsyncDisposable {
  const channel = dial(address, { ...options, sidechannel: true });
  return new RpcBackend(channel, featureMetadata(featureFlags));
}

class RpcBackend implements GitBackend, AsyncDisposable {
  readonly #channel: Channel;
  /** What fetches send along. */
  readonly #fetchMetadata: Readonly<Record<string, string>>;
  readonly #http: Client<typeof SmartHTTPService>;
  readonly #ssh: Client<typeof SSHService>;
  readonly #repositories: Client<typeof RepositoryService>;

  constructor(channel: Channel, fetchMetadata: Readonly<Record<string, string>>) {
    this.#fetchMetadata = fetchMetadata;
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
        ? this.#http.infoRefsUploadPack(message, { signal, metadata: this.#fetchMetadata })
        : this.#http.infoRefsReceivePack(message, { signal });
    for await (const { data } of replies) yield data;
  }

  async postUploadPack(request: TransferRequest, { input, output }: Body): Promise<void> {
    const { repository, gitProtocol, signal } = request;
    await this.#channel.withSidechannel(
      (stream) => exchange(stream, input, signal, (chunk) => writeTo(output, chunk, signal)),
      (options) => this.#http.postUploadPackWithSidechannel({ repository, gitProtocol }, options),
      { signal, metadata: this.#fetchMetadata },
    );
  }

  async sshUploadPack(request: TransferRequest, streams: Streams): Promise<number> {
    const { repository, gitProtocol, signal } = request;
    const bands = new BandReader(streams, signal);
    try {
      await this.#channel.withSidechannel(
        (stream) => exchange(stream, streams.input, signal, (chunk) => bands.take(chunk)),
        (options) => this.#ssh.sSHUploadPackWithSidechannel({ repository, gitProtocol }, options),
        { signal, metadata: this.#fetchMetadata },
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
    for await (const { data } of replies) await writeTo(output, data, signal);
  }

  async sshReceivePack(request: TransferRequest, streams: Streams): Promise<number> {
    const { signal } = request;
    const requests = opened(pushHeader(request), stdinOf(streams));
    return statusOf(
      await relayReplies(this.#ssh.sSHReceivePack(requests, { signal }), streams, signal),
    );
  }

  async sshUploadArchive(request: TransferRequest, streams: Streams): Promise<number> {
    const { repository, signal } = request;
    const requests = opened({ repository }, stdinOf(streams));
    return statusOf(
      await relayReplies(this.#ssh.sSHUploadArchive(requests, { signal }), streams, signal),
    );
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

function featureMetadata(flags: readonly string[]): Record<string, string> {
  const keys = flags.map((flag) => `gitaly-feature-${flag.replaceAll("_", "-")}`);
  return Object.fromEntries(keys.map((key) => [key, "true"]));
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

/** A command that failed has said why on stderr; the call's error adds nothing for the client. */
function statusOf({ status, failure }: CommandEnd): number {
  if (failure !== undefined && status === 0) throw failure;
  return status;
}
