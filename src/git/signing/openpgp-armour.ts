/*
 * RFC 4880 section 6: a line that begins it, headers, an empty line, base64, a checksum of 24 bits
 * behind "=", a line that ends it. Nothing follows the last line when it is made here.
 */
const BEGIN = "-----BEGIN PGP SIGNATURE-----";
const END = "-----END PGP SIGNATURE-----";
const COLUMNS = /.{1,64}/g;

/** Puts the packets of a signature into armour, without a newline at the end. */
export function armourSignature(packets: Buffer): Buffer {
  const lines = packets.toString("base64").match(COLUMNS) ?? [];
  return Buffer.from([BEGIN, "", ...lines, `=${checksum(packets)}`, END].join("\n"));
}

/** Returns the packets of an armoured signature, or undefined where there is none. */
export function unarmourSignature(armoured: Buffer): Buffer | undefined {
  const lines = armoured
    .toString("latin1")
    .split("\n")
    .map((line) => line.trimEnd());
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END, begin);
  if (begin < 0 || end < 0) return undefined;
  const empty = lines.indexOf("", begin);
  if (empty < 0 || empty > end) return undefined;
  const body = lines.slice(empty + 1, end);
  const last = body.at(-1) ?? "";
  const sum = /^=.{4}$/.test(last) ? body.pop()?.slice(1) : undefined;
  const text = body.join("");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const packets = Buffer.from(text, "base64");
  return sum === undefined || sum === checksum(packets) ? packets : undefined;
}

const CRC_START = 0xb704ce;
const CRC_POLYNOMIAL = 0x1864cfb;

function checksum(bytes: Uint8Array): string {
  let crc = CRC_START;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= CRC_POLYNOMIAL;
    }
  }
  return Buffer.of((crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff).toString("base64");
}
