import { encodeIdentity, type NewTag } from "../../git/object/object-encoding.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";

/** Git's own limit of dates: a signed number of 64 bits. */
const SECONDS_MAX = 0x7fff_ffff_ffff_ffffn;

/**
 * Why `git mktag` refuses a tag whose object and type are known to be right; undefined when it
 * doesn't. Lines in the headers have to be checked before.
 */
export function tagProblem({ name, tagger }: NewTag): string | undefined {
  const tagName = binaryFromBytes(name);
  const identity = binaryFromBytes(encodeIdentity(tagger));
  if (tagName.includes("\0") || identity.includes("\0")) {
    return "nulInHeader: unterminated header: NUL at offset";
  }
  if (parseRefName(`refs/tags/${tagName}`) === undefined) {
    return `badTagName: invalid 'tag' name: ${tagName}`;
  }
  const { seconds } = tagger.date;
  if (seconds < 0n) return "badDate: invalid author/committer line - bad date";
  return seconds >= SECONDS_MAX
    ? "badDateOverflow: invalid author/committer line - date causes integer overflow"
    : undefined;
}
