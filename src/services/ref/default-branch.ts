import { HEAD, type RefName } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import { findExpandedRef } from "../../git/revision/resolve-name.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { gitFailure } from "../common/git-failure.ts";

/** Where to look when HEAD names a branch that doesn't exist. */
const FALLBACKS = ["refs/heads/main", "refs/heads/master"];

/**
 * Returns the full name of the branch that HEAD names if it exists, else one of the usual names, else
 * the first branch, else an empty text.
 */
export function defaultBranch(refs: RefReader): string {
  const head = headTarget(refs);
  return gitFailure(() => {
    const existing = [head, ...FALLBACKS].find((name) => findExpandedRef(refs, name) !== undefined);
    if (existing !== undefined) return existing;
    for (const { name } of refs.list({ prefixes: ["refs/heads/"] })) return name;
    return "";
  });
}

/** The end of the chain of symbolic references that starts at HEAD; it need not exist. */
export function headTarget(refs: RefReader): RefName {
  const { state, name } = gitFailure(() => refs.resolve(HEAD));
  // What git says of a HEAD that is missing, damaged or detached.
  if (state === "broken" || name === HEAD) throw new RpcError("unknown", "exit status 128");
  return name;
}
