import { DomainError } from "../../base/error/domain-error.ts";
import { binaryFromBytes } from "../ref/binary-string.ts";

declare const revisionBrand: unique symbol;

/**
 * What names an object, in the language of gitrevisions, and can't be taken for an option.
 *
 * It is a binary string (see `../ref/binary-string.ts`). Whether such an object exists is another
 * question. Made by `parseRevision`.
 */
export type Revision = string & { readonly [revisionBrand]: true };

/** What a request accepts beside plain revisions. All default to false. */
export interface RevisionFormat {
  /** Accepts the empty revision. */
  readonly empty?: boolean;
  /** Accepts `revision:path`; the path may hold any byte but NUL. */
  readonly path?: boolean;
  /** Accepts the pseudo-revisions of git-rev-list: `--all`, `--not`, `--branches`, `--glob=…` */
  readonly pseudo?: boolean;
}

/** The revision of a request isn't acceptable. The message is the one that Gitaly's clients know. */
export class InvalidRevisionError extends DomainError {
  constructor(message: string) {
    super("invalid-argument", message);
  }
}

/** Returns the revision in `bytes` or in a binary string. Throws an InvalidRevisionError. */
export function parseRevision(bytes: Uint8Array | string, format: RevisionFormat = {}): Revision {
  const revision = typeof bytes === "string" ? bytes : binaryFromBytes(bytes);
  assertRevision(revision, format);
  return revision;
}

const PSEUDO_REVISIONS = ["--all", "--not", "--branches", "--tags", "--alternate-refs"];
const PSEUDO_PREFIXES = ["--branches=", "--tags=", "--glob="];

/** Tells whether the binary string is an option that git-rev-list takes in place of a revision. */
export function isPseudoRevision(revision: string): boolean {
  return (
    PSEUDO_REVISIONS.includes(revision) ||
    PSEUDO_PREFIXES.some((prefix) => revision.startsWith(prefix))
  );
}

function assertRevision(revision: string, format: RevisionFormat): asserts revision is Revision {
  if (format.pseudo === true && isPseudoRevision(revision)) return;
  const problem = revisionProblem(revision, format);
  if (problem !== undefined) throw new InvalidRevisionError(problem);
}

function revisionProblem(revision: string, { empty, path }: RevisionFormat): string | undefined {
  if (revision.startsWith("-")) return "revision can't start with '-'";
  if (revision.includes("\0")) return "revision can't contain NUL";
  const checked = path === true ? withoutPath(revision) : revision;
  if (checked === "" && empty !== true) return "empty revision";
  if (/[ \t\n\r]/.test(checked)) return "revision can't contain whitespace";
  if (checked.includes(":")) return "revision can't contain ':'";
  if (checked.includes("\\")) return "revision can't contain '\\'";
  return undefined;
}

function withoutPath(revision: string): string {
  const colon = revision.indexOf(":");
  return colon < 0 ? revision : revision.slice(0, colon);
}
