import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

export interface TinyPackOptions {
  /** The commit that the new one follows. */
  readonly parent: string;
  /** The bytes of the parent's tree. */
  readonly tree: Buffer;
  /** Another number gives another commit. */
  readonly serial: number;
}

const TYPES = { commit: 1, tree: 2, blob: 3 } as const;
/** After all names that begin with a letter of ASCII, so that the tree stays in order. */
const FILE_NAME = "~bench.txt";

/** A pack, see gitformat-pack, with a commit that adds one file at the end of the root folder. */
export function packOfOneCommit({ parent, tree, serial }: TinyPackOptions): {
  readonly commit: string;
  readonly pack: Buffer;
} {
  const hash = parent.length === 40 ? "sha1" : "sha256";
  const blob = object(hash, "blob", Buffer.from(`file ${serial}\n`));
  const entry = Buffer.concat([Buffer.from(`100644 ${FILE_NAME}\0`), blob.oid]);
  const newTree = object(hash, "tree", Buffer.concat([tree, entry]));
  const who = `Bench <bench@example.com> ${1_700_000_000 + serial} +0000`;
  const text =
    `tree ${newTree.oid.toString("hex")}\nparent ${parent}\n` +
    `author ${who}\ncommitter ${who}\n\nAdd file ${serial}\n`;
  const commit = object(hash, "commit", Buffer.from(text));
  const header = Buffer.from("PACK\0\0\0\x02\0\0\0\x03", "latin1");
  const body = Buffer.concat([header, commit.packed, newTree.packed, blob.packed]);
  const checksum = createHash(hash).update(body).digest();
  return { commit: commit.oid.toString("hex"), pack: Buffer.concat([body, checksum]) };
}

function object(
  hash: string,
  type: keyof typeof TYPES,
  content: Buffer,
): { readonly oid: Buffer; readonly packed: Buffer } {
  const oid = createHash(hash).update(`${type} ${content.length}\0`).update(content).digest();
  const packed = Buffer.concat([entryHeader(TYPES[type], content.length), deflateSync(content)]);
  return { oid, packed };
}

/** Three bits of type and four of size, then seven of size in each further byte. */
function entryHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let left = size >>> 4; left > 0; left >>>= 7) {
    bytes.push(left & 127);
  }
  return Buffer.from(bytes.map((byte, index) => (index < bytes.length - 1 ? byte | 128 : byte)));
}
