import type { Duplex } from "node:stream";
import type { HookOutput } from "../context/push-context.ts";
import { HookGoneError } from "./hook-protocol-error.ts";

/** Longest piece that the shell takes into one variable. */
const PIECE_BYTES_MAX = 16 * 1024;

const LINE_FEED = 0x0a;

type Stream = "stdout" | "stderr";

/** How an answer begins, by whether the shell prints a line's end after it. */
const KINDS = {
  stdout: { line: Buffer.from("o\n"), piece: Buffer.from("O\n") },
  stderr: { line: Buffer.from("e\n"), piece: Buffer.from("E\n") },
} as const;

const LINE_END = Buffer.from("\n");

/** Answers one call of a hook; the format stands in `hook-stub.ts`. */
export class ChannelOutput implements HookOutput {
  readonly #channel: Duplex;
  readonly #processId: number;

  constructor(channel: Duplex, processId: number) {
    this.#channel = channel;
    this.#processId = processId;
  }

  stdout(chunk: Uint8Array): Promise<void> {
    return this.#print("stdout", chunk);
  }

  stderr(chunk: Uint8Array): Promise<void> {
    return this.#print("stderr", chunk);
  }

  /** Ends the hook's process with a status of which the last eight bits count. */
  exit(exitCode: number): Promise<void> {
    return this.#write(Buffer.from(`x\n${this.#processId} ${exitCode & 0xff}\n`));
  }

  /** A shell can't hold a NUL: they are left out. */
  async #print(stream: Stream, chunk: Uint8Array): Promise<void> {
    const bytes = Buffer.from(chunk.includes(0) ? chunk.filter((byte) => byte !== 0) : chunk);
    const parts: Buffer[] = [];
    for (let offset = 0; offset < bytes.length; ) {
      const feed = bytes.indexOf(LINE_FEED, offset);
      const isLine = feed >= 0 && feed - offset <= PIECE_BYTES_MAX;
      const end = isLine ? feed : Math.min(offset + PIECE_BYTES_MAX, bytes.length);
      parts.push(KINDS[stream][isLine ? "line" : "piece"], bytes.subarray(offset, end), LINE_END);
      offset = isLine ? end + 1 : end;
    }
    if (parts.length > 0) await this.#write(Buffer.concat(parts));
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#channel.destroyed || !this.#channel.writable) throw new HookGoneError();
    if (this.#channel.write(bytes)) return;
    await drained(this.#channel);
    if (this.#channel.destroyed) throw new HookGoneError();
  }
}

function drained(channel: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      channel.off("drain", done).off("close", done);
      resolve();
    };
    channel.on("drain", done).on("close", done);
  });
}
