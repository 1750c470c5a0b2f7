import { quoteText } from "../../base/text/quote-text.ts";
import { type BackupSink, type ObjectStore, SinkError } from "./backup-sink.ts";
import { FolderSink } from "./folder-sink.ts";
import { LazySink } from "./lazy-sink.ts";
import { parseS3Url } from "./s3-settings.ts";

export interface SinkOptions {
  /** The process's own, where object storages are told of their region. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How much of a blob goes to an object storage at a time, in bytes; 0 for its default. */
  readonly bufferBytes: number;
}

/** Kinds of object storage that the protocol's servers know, but this one doesn't. */
const UNAVAILABLE: ReadonlySet<string> = new Set(["azblob", "gs", "mem"]);

/**
 * Finds out where backups go. Nothing is asked yet whether anybody is there.
 *
 * @param url a path, a `file://` URL or the URL of an object storage as Go CDK has it
 * @throws SinkError for a kind that nobody knows, and for parameters that make no sense; a kind
 *   that others know is refused when something is to be stored there
 */
export function openSink(url: string, options: SinkOptions): BackupSink {
  const kind = schemeOf(url);
  if (kind === "") return new FolderSink(url);
  if (kind === "file") return new FolderSink(decodeURIComponent(new URL(url).pathname));
  const store = openObjectStore(url, options);
  if (store !== undefined) return store;
  if (UNAVAILABLE.has(kind)) return new UnavailableSink(kind);
  throw new SinkError(`unsupported sink URI scheme: ${quoteText(kind)}`);
}

/**
 * Opens an object storage; undefined when it isn't of a kind that can be reached from here.
 *
 * @throws SinkError for parameters that make no sense
 */
export function openObjectStore(url: string, options: SinkOptions): ObjectStore | undefined {
  if (schemeOf(url) !== "s3") return undefined;
  const settings = parseS3Url(url);
  // Amazon's library takes long to load, and most servers don't need it.
  return new LazySink(async () => {
    const [{ createS3Client }, { S3Sink }] = await Promise.all([
      import("./s3-client.ts"),
      import("./s3-sink.ts"),
    ]);
    const client = createS3Client(settings, options.environment);
    return new S3Sink({ client, settings, bufferBytes: options.bufferBytes });
  });
}

/** What precedes the colon, without what an addition such as `azure+` says of the service. */
function schemeOf(url: string): string {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase() ?? "";
  return scheme.slice(scheme.lastIndexOf("+") + 1);
}

/** Stands for a storage that can't be reached from here: the server starts, backups fail. */
class UnavailableSink implements BackupSink {
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = kind;
  }

  write(): Promise<void> {
    return Promise.reject(this.#refusal());
  }

  // biome-ignore lint/correctness/useYield: there is nothing to read
  async *read(): AsyncGenerator<never, void, undefined> {
    throw this.#refusal();
  }

  // biome-ignore lint/correctness/useYield: there is nothing to list
  async *list(): AsyncGenerator<never, void, undefined> {
    throw this.#refusal();
  }

  #refusal(): SinkError {
    return new SinkError(`sink: object storage ${quoteText(this.#kind)} is not supported`);
  }
}
