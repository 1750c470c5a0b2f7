import { parseIdentity } from "../object/identity.ts";
import { findHeader } from "../object/object-headers.ts";

/** The time by which git orders commits by author, in seconds; 0 when it isn't legible. */
export function parseAuthorTime(content: Buffer): number {
  const line = findHeader(content, "author");
  const date = line === undefined ? undefined : parseIdentity(line)?.date;
  return date === undefined ? 0 : Number(date.seconds);
}
