import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { BackupSink } from "./backup-sink.ts";
import { FolderSink } from "./folder-sink.ts";

/** A configured place for backups that isn't one, or isn't one for this program. */
export class UnsupportedSinkError extends DomainError {
  constructor(message: string) {
    super("failed-precondition", message);
  }
}

/** Kinds of object storage that the protocol's servers know, but this one doesn't. */
const OBJECT_STORAGES: ReadonlySet<string> = new Set(["s3", "azblob", "gs", "mem"]);

/**
 * Finds out where backups go.
 *
 * @param url a path, a `file://` URL or the URL of an object storage as Go CDK has it
 * @throws UnsupportedSinkError for a kind that nobody knows; one that others know is refused when
 *   something is to be stored there
 */
export function openSink(url: string): BackupSink {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase() ?? "";
  const kind = scheme.slice(scheme.lastIndexOf("+") + 1);
  if (kind === "") return new FolderSink(url);
  if (kind === "file") return new FolderSink(decodeURIComponent(new URL(url).pathname));
  if (OBJECT_STORAGES.has(kind)) return new UnavailableSink(kind);
  throw new UnsupportedSinkError(`unsupported sink URI scheme: ${quoteText(kind)}`);
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

  #refusal(): UnsupportedSinkError {
    return new UnsupportedSinkError(
      `sink: object storage ${quoteText(this.#kind)} is not supported`,
    );
  }
}
