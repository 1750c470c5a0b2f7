import type { Writable } from "node:stream";
import type { Identity } from "../access/http-access.ts";
import type { RepositoryName } from "../repository-path.ts";

export type TransferService = "upload-pack" | "receive-pack";

/** What a git client has said beside its bytes. */
export interface TransferRequest {
  readonly repository: RepositoryName;
  readonly identity: Identity;
  /** The value of `Git-Protocol` or `GIT_PROTOCOL`; empty for version 0. */
  readonly gitProtocol: string;
  readonly signal: AbortSignal;
}

/** The bytes of a stateless exchange: a request's body and its answer. */
export interface Body {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: Writable;
}

/** The standard streams of a command that a client runs over SSH. */
export interface Streams extends Body {
  readonly errors: Writable;
}

/** What the doors need of a Gitaly server. Failures are `CallError`s. */
export interface GitBackend {
  /** The body of `GET /info/refs`. */
  infoRefs(service: TransferService, request: TransferRequest): AsyncIterable<Uint8Array>;
  /** Answers the body of `POST /git-upload-pack`. */
  postUploadPack(request: TransferRequest, body: Body): Promise<void>;
  /** Answers the body of `POST /git-receive-pack`. */
  postReceivePack(request: TransferRequest, body: Body): Promise<void>;
  /** Runs `git upload-pack` for a client; returns its exit status. */
  sshUploadPack(request: TransferRequest, streams: Streams): Promise<number>;
  /** Runs `git receive-pack` for a client; returns its exit status. */
  sshReceivePack(request: TransferRequest, streams: Streams): Promise<number>;
  /** Runs `git upload-archive` for a client; returns its exit status. */
  sshUploadArchive(request: TransferRequest, streams: Streams): Promise<number>;
  repositoryExists(repository: RepositoryName, signal: AbortSignal): Promise<boolean>;
  /** Makes an empty repository; one that another client has just made is no failure. */
  createRepository(repository: RepositoryName, signal: AbortSignal): Promise<void>;
}
