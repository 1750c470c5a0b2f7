import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { referenceNameProblem } from "../../git/ref/reference-name-problem.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/** What `git fetch --porcelain` says of one reference. */
export interface FetchedRef {
  readonly outcome: FetchOutcome;
  /** The zero id of a reference that is new. */
  readonly oldOid: Oid;
  readonly newOid: Oid;
  /** A binary string. */
  readonly name: string;
}

export type FetchOutcome =
  | "fast-forwarded"
  | "forced"
  | "pruned"
  | "tag-updated"
  | "created"
  | "rejected"
  | "unchanged";

const OUTCOMES: ReadonlyMap<string, FetchOutcome> = new Map([
  [" ", "fast-forwarded"],
  ["+", "forced"],
  ["-", "pruned"],
  ["t", "tag-updated"],
  ["*", "created"],
  ["!", "rejected"],
  ["=", "unchanged"],
]);

/** Reads a line `FLAG SP OLD SP NEW SP NAME`, a binary string. Throws an RpcError of kind `unknown`. */
export function parseFetchedRef(line: string, format: ObjectFormat): FetchedRef {
  const flag = line.charAt(0);
  if (line.length < 3 || line.charAt(1) !== " ") throw strange("invalid status line");
  const outcome = OUTCOMES.get(flag);
  if (outcome === undefined) {
    throw strange(`invalid reference update type: ${quoteBytes(bytesFromBinary(flag))}`);
  }
  const [oldText, newText, name, ...more] = line.slice(2).split(" ");
  if (oldText === undefined || newText === undefined || name === undefined || more.length > 0) {
    throw strange("invalid status line");
  }
  const oldOid = parseId("old", oldText, format);
  const newOid = parseId("new", newText, format);
  const problem = referenceNameProblem(name);
  if (problem !== undefined) throw strange(`validating reference: ${problem}`);
  return { outcome, oldOid, newOid, name };
}

function parseId(which: string, text: string, format: ObjectFormat): Oid {
  const oid = parseOid(text);
  const problem = objectIdProblem(bytesFromBinary(text), format);
  if (oid === undefined || problem !== undefined) {
    throw strange(`constructing ${which} OID: ${problem}`);
  }
  return oid;
}

function strange(problem: string): RpcError {
  return new RpcError("unknown", `scanning fetch output: ${problem}`);
}
