import { binaryFromBytes, binaryFromText } from "./binary-string.ts";

declare const refNameBrand: unique symbol;

/**
 * A reference's full name that `git check-ref-format` accepts, or the name of a reference that
 * stands at the top of the repository (`HEAD`).
 *
 * It is a binary string (see `binary-string.ts`): names compare by `===` and `<` as git compares
 * their bytes. Made by `parseRefName` and `parseRefNameText`; becomes bytes by `bytesFromBinary` and
 * text by `textFromBinary`.
 */
export type RefName = string & { readonly [refNameBrand]: true };

/** The name of the reference that tells the default branch. */
export const HEAD: RefName = "HEAD" as RefName;

/** What `git check-ref-format` has options for. */
export interface RefNameFormat {
  /** Accepts names without a slash, such as HEAD (`--allow-onelevel`). Default false. */
  readonly oneLevel?: boolean;
  /** Accepts one asterisk (`--refspec-pattern`). Default false. */
  readonly pattern?: boolean;
}

/** Returns the name in `bytes`, or in a binary string, when git accepts it as one. */
export function parseRefName(
  bytes: Uint8Array | string,
  format: RefNameFormat = {},
): RefName | undefined {
  const name = typeof bytes === "string" ? bytes : binaryFromBytes(bytes);
  return isRefName(name, format) ? name : undefined;
}

/** Returns the name that `text`, a string of Unicode characters, has in UTF-8, when git accepts it. */
export function parseRefNameText(text: string, format: RefNameFormat = {}): RefName | undefined {
  return parseRefName(binaryFromText(text), format);
}

/**
 * What stands in no name: control characters, space, DEL and units above a byte; git's special
 * characters; two dots; the start of a reflog selector; a component that is empty, hidden or named
 * like a lock file; a dot at the end.
 */
const FORBIDDEN = /[^!-~\u0080-\u00ff]|[:?[\\^~]|\.\.|@\{|\/[/.]|^[/.]|[/.]$|\.lock(?:\/|$)/;

function isRefName(name: string, { oneLevel, pattern }: RefNameFormat): name is RefName {
  if (name === "" || name === "@" || FORBIDDEN.test(name)) return false;
  if (oneLevel !== true && !name.includes("/")) return false;
  const asterisk = name.indexOf("*");
  return asterisk < 0 || (pattern === true && !name.includes("*", asterisk + 1));
}
