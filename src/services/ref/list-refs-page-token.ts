import { textFromBinary } from "../../git/ref/binary-string.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ESCAPED = /[<>&\u2028\u2029]/g;

/** The token that continues a list behind a reference, given its name as a binary string. */
export function encodePageToken(name: string): string {
  const json = JSON.stringify({ ref_name: textFromBinary(name) }).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(json).toString("base64");
}

/** The reference's name in a token; older clients send the bare name. */
export function decodePageToken(token: string): string {
  const base64 = token.replace(/[\r\n]/g, "");
  if (!BASE64.test(base64)) return token;
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, "base64").toString());
    const name = findName(value);
    return name === undefined || name === "" ? token : name;
  } catch {
    return token;
  }
}

function findName(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  for (const [key, name] of Object.entries(value)) {
    if (key.toLowerCase() === "ref_name" && typeof name === "string") return name;
  }
  return undefined;
}
