import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";

/** What a pointer says of the large file that it stands for. */
export interface LargeFile {
  /** The SHA-256 of the file in hexadecimal. */
  readonly fileOid: Uint8Array;
  readonly fileSize: bigint;
}

/** Blobs with more bytes than this are no pointers. */
export const LFS_POINTER_BYTES_MAX: number = 200;

const VERSION = "version https://git-lfs.github.com/spec";
const OID = /(?:^|\n)oid sha256:([0-9a-f]{64})(?=\n|$)/;
const SIZE = /(?:^|\n)size ([0-9]+)(?=\n|$)/;
const SIZE_MAX = 2n ** 63n - 1n;

/**
 * Reads the pointer to a large file, see "The Pointer" in the specification of Git LFS; undefined
 * when the content is none. Lines may stand in any order, and others between them.
 */
export function parseLfsPointer(content: Uint8Array): LargeFile | undefined {
  const text = binaryFromBytes(content);
  if (!text.startsWith(VERSION)) return undefined;
  const fileOid = OID.exec(text)?.[1];
  const size = SIZE.exec(text)?.[1];
  if (fileOid === undefined || size === undefined) return undefined;
  const fileSize = BigInt(size);
  return fileSize > SIZE_MAX ? undefined : { fileOid: bytesFromBinary(fileOid), fileSize };
}
