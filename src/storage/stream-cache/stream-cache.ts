import type { Logger } from "../../base/log/logger.ts";
import type { Counter } from "../../base/metric/counter.ts";
import type { GaugeSeries } from "../../base/metric/gauge.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { KeptStream, type Produce, type TakePieces } from "./kept-stream.ts";
import { OccurrenceCounts } from "./occurrence-counts.ts";
import { StreamCacheFiles } from "./stream-cache-files.ts";

export interface StreamCacheOptions {
  /** What metrics call it, such as `pack_objects`. */
  readonly name: string;
  readonly directory: string;
  /** How long a stream is kept after it was begun. */
  readonly maxAgeMs: number;
  /** A key has to occur more often than this before its stream is kept. */
  readonly minOccurrences: number;
  /** Whether a producer waits for its fastest reader. */
  readonly backpressure: boolean;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
  /** The time of day in milliseconds. */
  readonly nowMs?: () => number;
}

/** What came of a stream. */
export interface FetchedStream {
  readonly bytes: number;
  /** Whether it was made for this reader. */
  readonly created: boolean;
}

export interface StreamReader {
  readonly take: TakePieces;
  /** When it is aborted, the reader goes away; others aren't disturbed. */
  readonly signal: AbortSignal;
}

/** How often old streams are removed. */
const SWEEP_INTERVAL_MS_MAX = 60_000;

/** Streams that are found again; with more, the oldest are forgotten. */
const STREAMS_MAX = 100_000;

/**
 * Keeps streams that are expensive to make on disk, for a short time. Whoever asks for one that is
 * being made joins in.
 *
 * Disposing ends the producers and removes the files.
 */
export class StreamCache implements AsyncDisposable {
  readonly #options: StreamCacheOptions;
  readonly #nowMs: () => number;
  readonly #files: StreamCacheFiles;
  readonly #counts: OccurrenceCounts;
  readonly #streams = new Map<string, KeptStream>();
  readonly #timer: NodeJS.Timeout;
  readonly #ending = new AbortController();
  readonly #indexSize: GaugeSeries;
  readonly #diskUsage: GaugeSeries;
  readonly #removed: Counter<"dir">;
  #sweeping: Promise<void> | undefined;

  constructor(options: StreamCacheOptions) {
    const { name, directory, maxAgeMs, metrics, nowMs = Date.now } = options;
    this.#options = options;
    this.#nowMs = nowMs;
    this.#files = new StreamCacheFiles(directory);
    this.#counts = new OccurrenceCounts(maxAgeMs, nowMs);
    const dir = { dir: directory };
    const enabled = metrics.gauge({
      name: `gitaly_${name}_cache_enabled`,
      help: "1 when the cache is in use.",
      labels: ["dir", "max_age"],
    });
    enabled.series({ ...dir, max_age: String(Math.trunc(maxAgeMs / 1000)) }).set(1);
    const indexSizes = metrics.gauge({
      name: "gitaly_streamcache_index_entries",
      help: "Streams in a cache that can be found.",
      labels: ["dir", "cache_name"],
    });
    this.#indexSize = indexSizes.series({ ...dir, cache_name: name });
    const diskUsages = metrics.gauge({
      name: "gitaly_streamcache_filestore_disk_usage_bytes",
      help: "Size of the files in the directory of a cache.",
      labels: ["dir"],
    });
    this.#diskUsage = diskUsages.series(dir);
    this.#removed = metrics.counter({
      name: "gitaly_streamcache_filestore_removed_total",
      help: "Old files that were found and removed.",
      labels: ["dir"],
    });
    const intervalMs = Math.min(maxAgeMs, SWEEP_INTERVAL_MS_MAX);
    this.#timer = setInterval(() => void this.sweep(), intervalMs).unref();
  }

  /**
   * Hands the stream of `key` to the reader, and makes it when there is none yet.
   *
   * Rejects with the producer's failure, or when the reader fails or its signal is aborted. The
   * producer goes on as long as somebody else reads.
   */
  async fetch(key: string, reader: StreamReader, produce: Produce): Promise<FetchedStream> {
    if (this.#counts.add(key) <= this.#options.minOccurrences) return passOn(reader, produce);
    const known = this.#streams.get(key);
    if (known?.isOpen === true) {
      const bytes = await known.read(reader.take, reader.signal);
      if (bytes !== undefined) return { bytes, created: false };
      this.#forget(key, known);
    }
    const made = this.#begin(key, produce);
    const bytes = await made.read(reader.take, reader.signal);
    if (bytes !== undefined) return { bytes, created: true };
    throw new Error("the file of a stream is gone before it was read");
  }

  /** Removes what is too old, also what other processes have left. Never rejects. */
  async sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    await this.#sweeping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#ending.abort();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.abandon();
    await Promise.allSettled(streams.map(({ finished }) => finished));
    await Promise.allSettled(streams.map(({ path }) => this.#files.remove(path)));
    await this.#sweeping;
  }

  #begin(key: string, produce: Produce): KeptStream {
    const { backpressure, logger } = this.#options;
    const stream = new KeptStream(this.#files, produce, { nowMs: this.#nowMs(), backpressure });
    this.#streams.set(key, stream);
    stream.finished.catch(async (error: unknown) => {
      logger.error("create cache entry", { error });
      this.#forget(key, stream);
      await this.#remove(stream);
    });
    for (const [oldest, kept] of this.#streams) {
      if (this.#streams.size <= STREAMS_MAX) break;
      this.#forget(oldest, kept);
    }
    this.#showSize();
    return stream;
  }

  /** Another stream may have taken the place of this one. */
  #forget(key: string, stream: KeptStream): void {
    if (this.#streams.get(key) === stream) this.#streams.delete(key);
    this.#showSize();
  }

  async #sweep(): Promise<void> {
    const cutoffMs = this.#nowMs() - this.#options.maxAgeMs;
    try {
      for (const [key, stream] of [...this.#streams]) {
        if (stream.createdMs >= cutoffMs) continue;
        this.#forget(key, stream);
        await this.#remove(stream);
      }
      const { removedCount, bytes } = await this.#files.sweep(cutoffMs, this.#ending.signal);
      if (removedCount > 0) this.#removed.inc({ dir: this.#files.directory }, removedCount);
      this.#diskUsage.set(bytes);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#options.logger.error("streamcache filestore cleanup", { error });
    }
  }

  async #remove({ path }: KeptStream): Promise<void> {
    try {
      await this.#files.remove(path);
    } catch (error) {
      this.#options.logger.error("streamcache: remove file evicted from index", { error });
    }
  }

  #showSize(): void {
    this.#indexSize.set(this.#streams.size);
  }
}

/** Makes a stream for one reader alone. */
export async function passOn(
  { take, signal }: StreamReader,
  produce: Produce,
): Promise<FetchedStream> {
  let bytes = 0;
  const counted: TakePieces = (pieces) => {
    bytes += pieces.reduce((sum, { length }) => sum + length, 0);
    return take(pieces);
  };
  await produce(counted, signal);
  return { bytes, created: true };
}
