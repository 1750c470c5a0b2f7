import { PktLineEncoder } from "../git/pkt-line/pkt-line-encoder.ts";
import { PktLineParser } from "../git/pkt-line/pkt-line-parser.ts";

/** A line of text, or one of the packets that have none. */
export type TestPacket = string | { readonly marker: "flush" | "delim" };

export const FLUSH: TestPacket = { marker: "flush" };
export const DELIM: TestPacket = { marker: "delim" };

/** Encodes packets exactly as given: lines end in a line feed only where they say so. */
export function pktLines(...packets: readonly TestPacket[]): Buffer {
  const encoder = new PktLineEncoder();
  for (const packet of packets) {
    if (typeof packet === "string") encoder.data(Buffer.from(packet, "latin1"));
    else if (packet.marker === "flush") encoder.flush();
    else encoder.delim();
  }
  return Buffer.from(encoder.take());
}

/** Takes side-band-64k apart: what came on each band, joined. Ends at a flush. */
export function bandsOf(bytes: Uint8Array): { data: Buffer; progress: string; error: string } {
  const bands: Buffer[][] = [[], [], [], []];
  const parser = new PktLineParser();
  parser.push(bytes);
  for (let packet = parser.next(); packet?.kind === "data"; packet = parser.next()) {
    bands[packet.data[0] ?? 0]?.push(packet.data.subarray(1));
  }
  const [, data = [], progress = [], error = []] = bands;
  const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();
  return { data: Buffer.concat(data), progress: text(progress), error: text(error) };
}

/** What follows the first flush: the answer after an advertisement. */
export function afterFlush(bytes: Uint8Array): Buffer {
  const parser = new PktLineParser();
  parser.push(bytes);
  for (let packet = parser.next(); packet?.kind === "data"; packet = parser.next());
  return Buffer.concat(parser.takeRest());
}
