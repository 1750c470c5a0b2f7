import { type SidebandNumber, splitSideband } from "../../../git/pkt-line/sideband.ts";
import type { HookOutput } from "../../../hooks/context/push-context.ts";
import type { Exchange } from "../upload-command.ts";

/** Bytes of stderr that are kept to judge a failure by. */
const STDERR_BYTES_MAX = 64 * 1024;

/** Longest message of git's own about a push, its line feed included. */
const MESSAGE_BYTES_MAX = 4096;

/** An empty piece of the report: it tells the client that somebody is there. */
const KEEP_ALIVE = Buffer.from("0005\x01");

const FLUSH = Buffer.from("0000");

/** The client's side of a push: what the server says while and after it works on it. */
export class PushOutput implements Disposable {
  readonly #exchange: Exchange;
  readonly #hasSideband: boolean;
  readonly #keepAliveMs: number;
  #keepAlive: NodeJS.Timeout | undefined;
  #stderrText = "";

  constructor(
    exchange: Exchange,
    options: { readonly sideband: boolean; readonly keepAliveSeconds: number },
  ) {
    this.#exchange = exchange;
    this.#hasSideband = options.sideband;
    this.#keepAliveMs = options.keepAliveSeconds * 1000;
  }

  /** The start of what was said on stderr, a binary string. */
  get stderrText(): string {
    return this.#stderrText;
  }

  /** Where hooks print: on whichever stream, the client reads it as progress. */
  get forHooks(): HookOutput {
    const print = async (chunk: Uint8Array): Promise<void> => {
      // The scripts that hooks are for git can't hold a NUL.
      await this.progress(chunk.includes(0) ? chunk.filter((byte) => byte !== 0) : chunk);
    };
    return { stdout: print, stderr: print };
  }

  /** Says something to the person who pushes. */
  async progress(bytes: Uint8Array): Promise<void> {
    if (this.#hasSideband) await this.#sendOnBand(2, bytes);
    else await this.stderr(bytes);
  }

  /** Says one of git's own messages: a binary string without a line feed at its end. */
  async message(prefix: "error" | "warning", text: string): Promise<void> {
    const line = `${prefix}: ${text}`.slice(0, MESSAGE_BYTES_MAX - 1);
    await this.progress(Buffer.from(`${line}\n`, "latin1"));
  }

  /** Says something on stderr, which is not part of the protocol. */
  async stderr(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const chunk = Buffer.from(bytes);
    if (this.#stderrText.length < STDERR_BYTES_MAX) this.#stderrText += chunk.toString("latin1");
    await this.#exchange.progress?.(chunk);
  }

  async report(bytes: Buffer): Promise<void> {
    if (this.#hasSideband) await this.#sendOnBand(1, bytes);
    else await this.#exchange.output(bytes);
  }

  async finish(): Promise<void> {
    if (this.#hasSideband) await this.#exchange.output(Buffer.from(FLUSH));
  }

  /** From now on the client hears something in time, until the output is disposed of. */
  keepAlive(): void {
    if (!this.#hasSideband || this.#keepAliveMs <= 0 || this.#keepAlive !== undefined) return;
    this.#keepAlive = setInterval(() => {
      this.#exchange.output(Buffer.from(KEEP_ALIVE)).catch(() => undefined);
    }, this.#keepAliveMs);
    this.#keepAlive.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#keepAlive);
  }

  async #sendOnBand(band: SidebandNumber, bytes: Uint8Array): Promise<void> {
    this.#keepAlive?.refresh();
    if (bytes.length > 0)
      await this.#exchange.output(Buffer.concat([...splitSideband(band, bytes)]));
  }
}
