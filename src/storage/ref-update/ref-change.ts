import type { Oid } from "../../git/oid/oid.ts";
import type { RefTransaction } from "./ref-transaction.ts";

/** One change of a transaction, as it was asked for. */
export interface RefChange {
  /** A binary string. */
  readonly name: string;
  /** The zero id deletes. Undefined when the reference is only verified, or becomes symbolic. */
  readonly newOid?: Oid | undefined;
  /** What a reference becomes symbolic for, a binary string. */
  readonly newTarget?: string | undefined;
  /** The zero id stands for a reference that must not exist; undefined for any value. */
  readonly oldOid?: Oid | undefined;
}

/** Asks another transaction for a change. */
export async function repeatChange(change: RefChange, transaction: RefTransaction): Promise<void> {
  const { name, newOid, newTarget, oldOid } = change;
  if (newTarget !== undefined) await transaction.updateSymbolic(name, newTarget);
  else if (newOid !== undefined) await transaction.update(name, newOid, oldOid);
  else if (oldOid !== undefined) await transaction.verify(name, oldOid);
}
