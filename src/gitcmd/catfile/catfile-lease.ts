import type { CommandUsage } from "../command-usage.ts";
import type { CatfileMetrics } from "./catfile-metrics.ts";
import type { CatfileProcess, CatfileRequest, ObjectInfo } from "./catfile-process.ts";

/**
 * What is left of an object's content is read and dropped, up to this; beyond it the process is
 * ended, since a new one is cheaper.
 */
const DRAIN_BYTES_MAX = 64 * 1024;

export interface CatfileLeaseOptions {
  readonly signal: AbortSignal;
  readonly usage: CommandUsage | undefined;
  readonly metrics: CatfileMetrics;
  /** Takes the process back. */
  readonly release: () => Promise<void>;
}

/**
 * A process while one call has it.
 *
 * When the call is aborted, the process is ended: what it would still say belongs to nobody.
 */
export class CatfileLease implements AsyncDisposable {
  readonly #process: CatfileProcess;
  readonly #options: CatfileLeaseOptions;
  readonly #onAbort: () => void;

  constructor(process: CatfileProcess, options: CatfileLeaseOptions) {
    this.#process = process;
    this.#options = options;
    this.#onAbort = () => process.kill();
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Asks for several objects at once. */
  send(request: CatfileRequest, revisions: readonly Buffer[]): void {
    const beganMs = performance.now();
    for (const revision of revisions) this.#process.request(request, revision);
    this.#process.flush();
    const name = request === "info" ? "request_info" : "request_object";
    this.#record(name, beganMs, revisions.length);
    this.#record("flush", beganMs, 1);
  }

  /** The next answer, see `CatfileProcess.readInfo`. */
  async readInfo(request: CatfileRequest): Promise<ObjectInfo | undefined> {
    const beganMs = performance.now();
    try {
      const info = await this.#process.readInfo();
      if (info !== undefined) {
        this.#options.metrics.recordLookup(request === "info" ? "info" : info.type);
      }
      return info;
    } catch (error) {
      throw this.#reason(error);
    } finally {
      this.#record(request === "info" ? "read_info" : "read_object", beganMs, 1);
    }
  }

  /** See `CatfileProcess.readContent`. */
  async *readContent(): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* this.#process.readContent();
    } catch (error) {
      throw this.#reason(error);
    }
  }

  /** Reads what is left of the current object, whose reader has stopped. */
  async drain(): Promise<void> {
    for await (const _ of this.readContent());
  }

  /** Gives the process back; one that has more to say is ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { contentLeft } = this.#process;
    try {
      if (contentLeft > 0 && contentLeft <= DRAIN_BYTES_MAX) await this.drain();
    } catch {
      // Not usable any more, which the pool sees.
    } finally {
      this.#options.signal.removeEventListener("abort", this.#onAbort);
      await this.#options.release();
    }
  }

  /** What comes of an abort is told as the abort. */
  #reason(error: unknown): unknown {
    const { signal } = this.#options;
    return signal.aborted ? signal.reason : error;
  }

  #record(name: string, beganMs: number, count: number): void {
    const { usage } = this.#options;
    if (usage === undefined) return;
    const ms = Math.trunc(performance.now() - beganMs);
    usage.add(`catfile.${name}_count`, count);
    usage.add(`catfile.${name}_ms`, ms);
    usage.add("catfile.duration_ms", ms);
  }
}
