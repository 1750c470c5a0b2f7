import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";

/** A place for backups: named blobs that appear as a whole. Names are paths such as `a/b.toml`. */
export interface BackupSink {
  /** Stores a blob; it is there, and replaces one of the same name, only when all of it is. */
  write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Reads a blob; with the first piece a BlobMissingError may come. */
  read(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Lists the blobs whose names start with `folder/`. */
  list(folder: string, signal: AbortSignal): AsyncIterable<StoredBlob>;
}

/** A place for blobs that others can be sent to, without a way to the server itself. */
export interface ObjectStore extends BackupSink {
  exists(path: string, signal: AbortSignal): Promise<boolean>;
  /** Makes a URL by which whoever knows it may download a blob, be it there or not, for some time. */
  signedUrl(path: string, lifetimeMs: number, signal: AbortSignal): Promise<string>;
}

/** A configured place for blobs isn't one, or isn't one for this program. */
export class SinkError extends DomainError {
  /** What is wrong, without saying what for the place was to be. */
  readonly reason: string;

  constructor(message: string, reason: string = message) {
    super("failed-precondition", message);
    this.reason = reason;
  }
}

export interface StoredBlob {
  readonly path: string;
  /** When it was written, in nanoseconds since 1970 as far as the sink knows. */
  readonly modifiedNs: bigint;
}

/** There is no blob or no backup of that name. */
export class BackupMissingError extends DomainError {
  constructor(message = "doesn't exist") {
    super("unknown", message);
  }
}

/** There is no blob of that name. */
export class BlobMissingError extends BackupMissingError {
  constructor(path: string) {
    super(`sink: new reader for ${quoteText(path)}: doesn't exist`);
  }
}

/** Stores a blob unless it would be empty. */
export async function writeUnlessEmpty(
  sink: Pick<BackupSink, "write">,
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const started = await startReading(pieces);
  if (started !== undefined) await sink.write(path, started, signal);
}

/** Waits for the first piece, so that its failure comes now; undefined when there is none. */
export async function startReading(
  pieces: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  return first.done === true ? undefined : resume(first.value, iterator);
}

async function* resume(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

/** The blob below `folder` that was written last, among those of one moment the last by name. */
export async function findLatestBlob(
  sink: BackupSink,
  folder: string,
  signal: AbortSignal,
): Promise<StoredBlob | undefined> {
  let latest: StoredBlob | undefined;
  for await (const blob of sink.list(folder, signal)) {
    if (latest === undefined || isLater(blob, latest)) latest = blob;
  }
  return latest;
}

function isLater(one: StoredBlob, other: StoredBlob): boolean {
  if (one.modifiedNs !== other.modifiedNs) return one.modifiedNs > other.modifiedNs;
  return one.path > other.path;
}
