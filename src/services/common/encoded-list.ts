import type { DescMessage } from "@bufbuild/protobuf";
import { EncodedReply } from "../../rpc/encoded-reply.ts";

/** An entry of a list of messages, encoded as it stands in a reply. */
export interface EncodedEntry {
  /** The entry with its field's number and its length. */
  readonly bytes: Buffer;
  /** Size of the message alone, which is what decides where a stream of replies is cut. */
  readonly size: number;
}

/** An entry whose bytes were kept: a byte for the field, the length of the message, the message. */
export function keptEntry(bytes: Buffer): EncodedEntry {
  let start = 1;
  while ((bytes[start] ?? 0) >= 128) start++;
  return { bytes, size: bytes.length - start - 1 };
}

/** The size of an entry for `ReplyChunk`. */
export function encodedEntrySize({ size }: EncodedEntry): number {
  return size;
}

/** Makes a reply of the entries of its list, and of fields with higher numbers. */
export function encodedReply<Desc extends DescMessage>(
  schema: Desc,
  entries: readonly EncodedEntry[],
  fields?: Uint8Array,
): EncodedReply<Desc> {
  const parts: Uint8Array[] = entries.map(({ bytes }) => bytes);
  if (fields !== undefined) parts.push(fields);
  return new EncodedReply(schema, Buffer.concat(parts));
}
