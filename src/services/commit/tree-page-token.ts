import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ESCAPED = /[<>&\u2028\u2029]/g;

/** Where a page of tree entries begins. */
export interface TreePageToken {
  /** What the entry before the page is found by, as a binary string; empty for the first page. */
  readonly start: string;
  /** Older clients send the id of the entry's object. */
  readonly kind: "path" | "oid";
  /** Id of the tree that the pages before came from; empty when the token doesn't say. */
  readonly tree: string;
}

/** The token for what comes after the entry at `path` of a listed tree. */
export function encodeTreePageToken(path: Uint8Array, tree: string): string {
  const json = JSON.stringify({ file_name: Buffer.from(path).toString(), tree_oid: tree }).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(json).toString("base64");
}

export function decodeTreePageToken(token: string): TreePageToken {
  const plain: TreePageToken = { start: binaryFromText(token), kind: "oid", tree: "" };
  if (token === "") return plain;
  const base64 = token.replace(/[\r\n]/g, "");
  if (!BASE64.test(base64)) return plain;
  try {
    const fields = parseFields(Buffer.from(base64, "base64").toString());
    if (fields === undefined) return plain;
    const { file_name: name = "", tree_oid: tree = "" } = fields;
    return { start: binaryFromText(name), kind: "path", tree: binaryFromText(tree) };
  } catch {
    return plain;
  }
}

type Fields = Partial<Record<"file_name" | "tree_oid", string>>;

/** Reads as Go does: any case of the names, `null` for nothing, other types refused. */
function parseFields(json: string): Fields | undefined {
  const value: unknown = JSON.parse(json);
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const fields: Fields = {};
  for (const [name, field] of Object.entries(value)) {
    const key = name.toLowerCase();
    if ((key !== "file_name" && key !== "tree_oid") || field === null) continue;
    if (typeof field !== "string") return undefined;
    fields[key] = field;
  }
  return fields;
}

/** Compares what tokens carry: what isn't UTF-8 has been lost from them. */
export function isTokenOf(token: TreePageToken, path: Buffer, oid: string): boolean {
  return token.kind === "oid" ? oid === token.start : path.equals(bytesFromBinary(token.start));
}
