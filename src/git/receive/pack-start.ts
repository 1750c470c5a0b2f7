/** Bytes before the first object of a pack (gitformat-pack). */
export const PACK_HEADER_BYTES: number = 12;

const SIGNATURE = Buffer.from("PACK");

/** Tells how many objects a pack says to have; undefined when it doesn't begin as packs do. */
export function packObjectCount(start: Buffer): number | undefined {
  if (start.length < PACK_HEADER_BYTES || !start.subarray(0, 4).equals(SIGNATURE)) return undefined;
  const version = start.readUInt32BE(4);
  return version === 2 || version === 3 ? start.readUInt32BE(8) : undefined;
}
