import { addAbortSignal, Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { quoteText } from "../../base/text/quote-text.ts";
import { BlobMissingError, type ObjectStore, type StoredBlob } from "./backup-sink.ts";
import { escapeBlobName, unescapeBlobName } from "./blob-name.ts";
import { isMissingBlob, ObjectStorageError } from "./s3-error.ts";
import type { S3Settings } from "./s3-settings.ts";

/** A blob has at most 10,000 parts: this allows for 80 GB. */
const PART_BYTES_DEFAULT = 8 << 20;
/** The smallest part that S3 takes, but for the last one. */
const PART_BYTES_MIN = 5 << 20;
/** Parts of one blob that are sent, and kept in memory, at a time. */
const PARTS_AT_ONCE = 2;

/** Control characters, and slashes behind `..`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPED = /[\0-\x1f]|(?<=\.\.)\//g;

export interface S3SinkOptions {
  readonly client: S3Client;
  readonly settings: S3Settings;
  /** How much of a blob is sent at a time, in bytes; 0 for the default. */
  readonly bufferBytes: number;
}

/** Keeps blobs in a bucket of Amazon S3, or of another storage that speaks its protocol. */
export class S3Sink implements ObjectStore {
  readonly #client: S3Client;
  readonly #settings: S3Settings;
  readonly #partBytes: number;

  constructor({ client, settings, bufferBytes }: S3SinkOptions) {
    this.#client = client;
    this.#settings = settings;
    this.#partBytes = Math.max(bufferBytes || PART_BYTES_DEFAULT, PART_BYTES_MIN);
  }

  async write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // The library reads parts of the right size out of a stream, and nothing ahead of need.
    const body = Readable.from(pieces, { objectMode: false, highWaterMark: 0 });
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#placeOf(path), ...this.#encryption(), ...UPLOAD_HEADERS, Body: body },
      partSize: this.#partBytes,
      queueSize: PARTS_AT_ONCE,
    });
    const abort = (): void => void upload.abort().catch(() => undefined);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await upload.done();
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(body, error) ?? new ObjectStorageError("PutObject", path, error);
    } finally {
      signal.removeEventListener("abort", abort);
      body.destroy();
    }
  }

  async *read(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const body = await this.#open(path, signal);
    if (body === undefined) return;
    try {
      for await (const piece of addAbortSignal(signal, body)) yield piece;
    } catch (error) {
      signal.throwIfAborted();
      throw new ObjectStorageError("GetObject", path, error);
    } finally {
      body.destroy();
    }
  }

  async *list(folder: string, signal: AbortSignal): AsyncGenerator<StoredBlob, void, undefined> {
    const { bucket, prefix } = this.#settings;
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await this.#call("ListObjectsV2", "", signal, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: this.#keyOf(`${folder}/`),
            ContinuationToken: token,
          }),
          { abortSignal: signal },
        ),
      );
      for (const { Key: key = "", LastModified: modified } of page.Contents ?? []) {
        const path = unescapeBlobName(key).slice(prefix.length);
        yield { path, modifiedNs: BigInt(modified?.getTime() ?? 0) * 1_000_000n };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async exists(path: string, signal: AbortSignal): Promise<boolean> {
    const command = new HeadObjectCommand(this.#placeOf(path));
    try {
      await this.#client.send(command, { abortSignal: signal });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (isMissingBlob(error)) return false;
      throw new ObjectStorageError("HeadObject", path, error);
    }
  }

  async signedUrl(path: string, lifetimeMs: number, signal: AbortSignal): Promise<string> {
    const command = new GetObjectCommand(this.#placeOf(path));
    const expiresIn = Math.floor(lifetimeMs / 1000);
    return this.#call("GetObject", path, signal, () =>
      getSignedUrl(this.#client, command, { expiresIn }),
    );
  }

  async #open(path: string, signal: AbortSignal): Promise<Readable | undefined> {
    const command = new GetObjectCommand(this.#placeOf(path));
    try {
      const { Body: body } = await this.#client.send(command, { abortSignal: signal });
      return body instanceof Readable ? body : undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (isMissingBlob(error)) throw new BlobMissingError(path);
      const failure = new ObjectStorageError("GetObject", path, error);
      failure.message = `sink: new reader for ${quoteText(path)}: ${failure.message}`;
      throw failure;
    }
  }

  async #call<Result>(
    operation: string,
    path: string,
    signal: AbortSignal,
    call: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      throw new ObjectStorageError(operation, path, error);
    }
  }

  #encryption(): object {
    const { encryption, encryptionKeyId } = this.#settings;
    return {
      ...(encryption !== undefined && { ServerSideEncryption: encryption }),
      ...(encryptionKeyId !== undefined && { SSEKMSKeyId: encryptionKeyId }),
    };
  }

  #placeOf(path: string): { Bucket: string; Key: string } {
    return { Bucket: this.#settings.bucket, Key: this.#keyOf(path) };
  }

  #keyOf(path: string): string {
    return escapeBlobName(this.#settings.prefix + path, ESCAPED);
  }
}

/** Backups change under their names, so nobody should keep or change them on the way. */
const UPLOAD_HEADERS = {
  CacheControl: "no-store, no-transform",
  ContentType: "application/octet-stream",
};

/** What made the blob's source fail, which is no failure of the storage. */
function failureOf(body: Readable, error: unknown): Error | undefined {
  return body.errored === error && body.errored !== null ? body.errored : undefined;
}
