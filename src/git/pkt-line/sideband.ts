/*
 * side-band-64k (gitprotocol-pack, "Packfile Data"): the first byte of each pkt-line's payload is
 * the number of a band, the rest belongs to it.
 *
 *   1  data: the pack, or the report of a push
 *   2  progress and messages, printed by the client
 *   3  a fatal error, printed before the client gives up
 */
import { PKT_LINE_BYTES_MAX } from "./pkt-line-parser.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Bands of side-band-64k: data, progress, fatal error. */
export type SidebandNumber = 1 | 2 | 3;

/** Bytes of a band that fit into one pkt-line beside four digits and the band's number. */
export const SIDEBAND_DATA_BYTES_MAX: number = PKT_LINE_BYTES_MAX - 5;

const HEADER_BYTES = 5;

/**
 * Yields, for each pkt-line that `data` needs on its band, five bytes of header and a view of the
 * data: nothing is copied. Empty data needs no line.
 */
export function* splitSideband(band: SidebandNumber, data: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += SIDEBAND_DATA_BYTES_MAX) {
    const part = data.subarray(offset, offset + SIDEBAND_DATA_BYTES_MAX);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.write((part.length + HEADER_BYTES).toString(16).padStart(4, "0"), "latin1");
    header[4] = band;
    yield header;
    yield part;
  }
}

/** Tells band and data of a pkt-line's payload. Throws a ProtocolError when there is no such band. */
export function parseSideband(payload: Buffer): { band: SidebandNumber; data: Buffer } {
  const band = payload[0];
  if (band !== 1 && band !== 2 && band !== 3) {
    throw new ProtocolError("invalid sideband packet", { metadata: { band } });
  }
  return { band, data: payload.subarray(1) };
}
