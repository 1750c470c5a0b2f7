import { writeTo } from "../../base/stream/write-to.ts";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import { parseSideband } from "../../git/pkt-line/sideband.ts";
import type { CommandOutput } from "./relay-replies.ts";

/** Takes apart side-band-64k: data to the output, messages to the error stream. */
export class BandReader {
  /** Whether anything has gone to the error stream. */
  sawErrors = false;
  readonly #parser = new PktLineParser();
  readonly #streams: CommandOutput;
  readonly #signal: AbortSignal;

  constructor(streams: CommandOutput, signal: AbortSignal) {
    this.#streams = streams;
    this.#signal = signal;
  }

  async take(chunk: Buffer): Promise<void> {
    this.#parser.push(chunk);
    for (let packet = this.#parser.next(); packet !== undefined; packet = this.#parser.next()) {
      if (packet.kind !== "data") continue;
      const { band, data } = parseSideband(packet.data);
      if (band === 1) await writeTo(this.#streams.output, data, this.#signal);
      else {
        this.sawErrors = true;
        await writeTo(this.#streams.errors, data, this.#signal);
      }
    }
  }
}
