import { DomainError } from "../../base/error/domain-error.ts";
import { cleanIdentity } from "../../git/object/clean-identity.ts";
import type { Identity, IdentityDate } from "../../git/object/identity.ts";
import { encodeCommit } from "../../git/object/object-encoding.ts";
import { repairUtf8 } from "../../git/object/repair-utf8.ts";
import type { ObjectFormat, Oid } from "../../git/oid/oid.ts";
import { addSignature } from "../../git/signing/add-signature.ts";
import type { CommitSigner } from "../../git/signing/commit-signer.ts";
import type { Call } from "../../rpc/call.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type { ObjectWriter } from "../../storage/object-write/object-writer.ts";
import { clockAt } from "./clock-text.ts";
import { dateOrNow } from "./date-or-now.ts";
import { featureFlags } from "./feature-flags.ts";

/** How commits are signed that ask for it. */
export interface SigningNeeds {
  /** Undefined when nothing is signed. */
  readonly signer: CommitSigner | undefined;
  /** Who then stands as committer instead of the user; undefined for the user. */
  readonly signingCommitter: { readonly name: string; readonly email: string } | undefined;
}

/** A commit to be written. */
export interface CommitDraft {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: Required<Identity>;
  readonly committer: Required<Identity>;
  /** Written as it is; only what isn't UTF-8 is taken for Latin-1. */
  readonly message: Uint8Array;
  /** Whether the request wants it to be signed. Default false. */
  readonly sign?: boolean;
}

/** A name has no other characters than those that git leaves out. */
export class DisallowedCharactersError extends DomainError {
  constructor() {
    super("unknown", "disallowed characters");
  }
}

/**
 * Writes a commit as `git commit-tree` does: names are cleaned up, a parent that is there twice is
 * written once, and what git refuses fails in git's words. That tree and parents exist is taken for
 * granted.
 *
 * @throws DisallowedCharactersError, RpcError of kind `unknown` for everything else
 */
export async function createCommit(
  needs: SigningNeeds,
  call: Call,
  objects: ObjectWriter,
  draft: CommitDraft,
): Promise<Oid> {
  const signs = draft.sign === true && featureFlags(call.metadata).get("gpg_signing") !== false;
  const content = commitContent(draft, signs ? needs.signingCommitter : undefined);
  const { format } = objects;
  const signer = signs ? needs.signer : undefined;
  const signed = signer === undefined ? content : await sign(signer, content, draft.author, format);
  return objects.write("commit", signed);
}

function commitContent(
  { tree, parents, author, committer, message }: CommitDraft,
  signing: SigningNeeds["signingCommitter"],
): Buffer {
  if (author.name.length === 0) throw new RpcError("unknown", "missing author name");
  if (committer.name.length === 0) throw new RpcError("unknown", "missing committer name");
  const writer = signing && { name: Buffer.from(signing.name), email: Buffer.from(signing.email) };
  checkNul(author, { ...committer, ...writer });
  if (message.includes(0)) {
    throw gitFailure(1, "error: a NUL byte in commit log message not allowed.\n");
  }
  const content = encodeCommit({
    tree,
    parents: [...new Set(parents)],
    author: identity(author),
    committer: identity({ ...committer, ...writer }),
    message,
  });
  return repairUtf8(content);
}

/** Git gets these by its environment. */
function checkNul(...identities: readonly Required<Identity>[]): void {
  if (identities.some(({ name, email }) => name.includes(0) || email.includes(0))) {
    throw new RpcError("unknown", "commit-tree: exec: environment variable contains NUL:  ");
  }
}

function identity({ name, email, date }: Required<Identity>): Required<Identity> {
  const cleanName = cleanIdentity(name);
  if (cleanName.length === 0) throw new DisallowedCharactersError();
  return { name: cleanName, email: cleanIdentity(email), date: checkDate(date) };
}

const YEAR_MIN = 1970n;
const YEAR_MAX = 2099n;
/** The last second of that year. */
const SECONDS_MAX = 4_102_444_799n;

/** Git takes dates from years that it knows only. */
function checkDate(given: IdentityDate): IdentityDate {
  const date = dateOrNow(given);
  const { seconds } = date;
  const { year, text } = clockAt(date);
  if (year >= YEAR_MIN && year <= YEAR_MAX && seconds >= 0n && seconds <= SECONDS_MAX) return date;
  throw gitFailure(128, `fatal: invalid date format: ${text}\n`);
}

function gitFailure(status: number, stderr: string): RpcError {
  return new RpcError("unknown", `commit-tree: exit status ${status}: ${stderr} `);
}

async function sign(
  signer: CommitSigner,
  content: Buffer,
  { date }: Required<Identity>,
  format: ObjectFormat,
): Promise<Buffer> {
  const signature = await signer.sign(content, new Date(Number(date.seconds) * 1000));
  return addSignature(content, signature, format);
}
