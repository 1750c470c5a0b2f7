import type { ObjectFormat } from "../oid/oid.ts";

const HEADERS: Readonly<Record<ObjectFormat, string>> = {
  sha1: "gpgsig",
  sha256: "gpgsig-sha256",
};

/**
 * Puts a signature behind the headers of a commit, as git does: a space in front of each line of it,
 * an empty last one too.
 */
export function addSignature(content: Buffer, signature: Buffer, format: ObjectFormat): Buffer {
  const end = content.indexOf("\n\n");
  const position = end < 0 ? content.length : end + 1;
  const lines = signature.toString("latin1").split(/(?<=\n)/);
  const header = HEADERS[format] + lines.map((line) => ` ${line}`).join("");
  return Buffer.concat([
    content.subarray(0, position),
    Buffer.from(header, "latin1"),
    content.subarray(position),
  ]);
}
