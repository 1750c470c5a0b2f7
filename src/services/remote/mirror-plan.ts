import { isUtf8 } from "node:buffer";
import { DomainError } from "../../base/error/domain-error.ts";
import { binaryFromBytes, bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import { wrapError } from "../../rpc/rpc-error.ts";

/** How a mirror becomes like the repository. All names are binary strings. */
export interface MirrorPlan {
  /** For `git push`; the default branch comes first, since hosts want one. */
  readonly refspecs: readonly string[];
  /** References that the mirror has changed on its own, if these are to be kept. */
  readonly divergent: readonly string[];
}

/** Is one commit in the history of the other? One that isn't there is in nobody's. */
export type IsAncestor = (ancestor: string, child: string) => Promise<boolean>;

export interface MirrorState {
  /** Branches and tags of the repository. */
  readonly local: readonly ListedRef[];
  /** Those of the mirror: object ids by name. */
  readonly remote: ReadonlyMap<string, string>;
  /** The reference that HEAD names; it need not exist. */
  readonly defaultBranch: string;
  readonly keepDivergentRefs: boolean;
  /** Which references are mirrored at all. */
  readonly isSelected: (name: string) => boolean;
  readonly isAncestor: IsAncestor;
}

/** Divergent references beyond this many aren't told of. */
const DIVERGENT_MAX = 100;

const OWN = "checking for ancestry";
const DEFAULT = "checking for default branch ancestry";

/** Compares a repository with its mirror. */
export async function planMirror(state: MirrorState): Promise<MirrorPlan> {
  const { local, defaultBranch, isSelected, isAncestor } = state;
  const extra = new Map(state.remote);
  const updates: string[] = [];
  const divergent: string[] = [];
  for (const { name, oid, symref } of local) {
    if (symref !== undefined) continue;
    const mirrored = extra.get(name);
    extra.delete(name);
    if (mirrored === oid) continue;
    const mustKeep = state.keepDivergentRefs && mirrored !== undefined;
    const isBehind = !mustKeep || (await during(OWN, isAncestor(mirrored, oid)));
    if (isBehind) updates.push(name);
    else if (isSelected(name) && divergent.length < DIVERGENT_MAX) divergent.push(name);
  }
  const mayDelete = !state.keepDivergentRefs && local.some(({ name }) => name === defaultBranch);
  const deletions = mayDelete ? await merged(extra, defaultBranch, isAncestor) : [];
  // What goes makes room for what comes: `a/b` for `a`.
  const selected = [
    ...deletions.filter(isSelected).map((name) => `:${name}`),
    ...updates.filter(isSelected),
  ];
  const isDefault = (refspec: string): boolean => refspec.replace(/^:/, "") === defaultBranch;
  const refspecs = [
    ...selected.filter(isDefault),
    ...selected.filter((refspec) => !isDefault(refspec)),
  ];
  return { refspecs, divergent };
}

/** Whatever isn't in the default branch may be somebody's only copy, so it stays. */
async function merged(
  extra: ReadonlyMap<string, string>,
  defaultBranch: string,
  isAncestor: IsAncestor,
): Promise<string[]> {
  const names: string[] = [];
  for (const [name, oid] of extra) {
    if (await during(DEFAULT, isAncestor(oid, defaultBranch))) names.push(name);
  }
  return names;
}

async function during<Result>(doing: string, step: Promise<Result>): Promise<Result> {
  try {
    return await step;
  } catch (error) {
    throw wrapError("unknown", doing, error);
  }
}

/**
 * Makes the choice of the references to mirror: all tags, and the branches that match one of the
 * patterns, in which `*` stands for any text. Without patterns, all branches.
 *
 * @throws DomainError when a pattern isn't UTF-8
 */
export function selectReferences(patterns: readonly Uint8Array[]): (name: string) => boolean {
  refuseOtherThanUtf8(patterns);
  const branches = patterns.map((pattern) =>
    binaryFromBytes(pattern).split("*").map(literally).join("[^\\n]*"),
  );
  const names = branches.length === 0 ? "[^\\n]+" : branches.join("|");
  const choice = new RegExp(`^refs/tags/[^\\n]+$|^refs/heads/(?:${names})$`);
  return (name) => choice.test(name);
}

/** Clients are told the rest of the expression that the reference server makes of the patterns. */
function refuseOtherThanUtf8(patterns: readonly Uint8Array[]): void {
  const expressions = patterns.map((pattern) =>
    binaryFromBytes(pattern).split("*").map(literally).join(".*"),
  );
  const whole = `${expressions.join("|")})$`;
  const valid = validLength(bytesFromBinary(whole));
  if (valid === whole.length) return;
  const rest = textFromBinary(whole.slice(valid));
  throw new DomainError(
    "internal",
    `create reference matcher: error parsing regexp: invalid UTF-8: \`${rest}\``,
  );
}

/** The bytes in front of the first one that is no UTF-8. */
function validLength(bytes: Buffer): number {
  for (let start = 0; start < bytes.length; ) {
    const length = [1, 2, 3, 4].find((size) => isUtf8(bytes.subarray(start, start + size)));
    if (length === undefined) return start;
    start += length;
  }
  return bytes.length;
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
