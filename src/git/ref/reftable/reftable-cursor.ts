import type { ObjectFormat, Oid } from "../../oid/oid.ts";
import { corrupt, RecordCursor, type ReftableBlock } from "./reftable-block.ts";

/** A reference in one table. Name and target are binary strings that nobody has checked. */
export type ReftableRecord =
  /** Says that older tables' records by this name don't count. */
  | { readonly kind: "deleted"; readonly name: string }
  | {
      readonly kind: "direct";
      readonly name: string;
      readonly oid: Oid;
      readonly peeled: Oid | undefined;
    }
  | { readonly kind: "symbolic"; readonly name: string; readonly target: string };

/** Walks the references of one table in the order of their names. */
export class ReftableCursor {
  /** The reference the cursor is at, or undefined at the end. */
  record: ReftableRecord | undefined;
  readonly #blockAt: (offset: number) => ReftableBlock | undefined;
  readonly #format: ObjectFormat;
  #offset = 0;
  #block: ReftableBlock | undefined;
  #records: RecordCursor | undefined;

  constructor(blockAt: (offset: number) => ReftableBlock | undefined, format: ObjectFormat) {
    this.#blockAt = blockAt;
    this.#format = format;
  }

  /** Goes to the first reference from the block at `offset` on that doesn't sort before `name`. */
  seek(offset: number | undefined, name: string): void {
    if (offset !== undefined) this.#enter(offset);
    while (this.#block !== undefined) {
      this.#records = new RecordCursor(this.#block, this.#block.restartBefore(name));
      do this.#read();
      while (this.record !== undefined && this.record.name < name);
      if (this.record !== undefined) return;
      this.#enter(this.#offset + this.#block.distance);
    }
  }

  /** Goes to the next reference. */
  next(): void {
    this.#read();
    while (this.record === undefined && this.#block !== undefined) {
      this.#enter(this.#offset + this.#block.distance);
      this.#read();
    }
  }

  /** Starts the block at `offset`, or comes to the end when no block of references is there. */
  #enter(offset: number): void {
    const block = this.#blockAt(offset);
    const isRefs = block?.type === "r";
    this.#offset = offset;
    this.#block = isRefs ? block : undefined;
    this.#records = isRefs ? new RecordCursor(block, block.recordsStart) : undefined;
  }

  #read(): void {
    const records = this.#records;
    this.record = records?.nextKey() === true ? this.#parse(records) : undefined;
  }

  #parse(records: RecordCursor): ReftableRecord {
    const name = records.key;
    records.varint();
    switch (records.valueType) {
      case 0:
        return { name, kind: "deleted" };
      case 1:
        return { name, kind: "direct", oid: records.oid(this.#format), peeled: undefined };
      case 2: {
        const oid = records.oid(this.#format);
        return { name, kind: "direct", oid, peeled: records.oid(this.#format) };
      }
      case 3:
        return { name, kind: "symbolic", target: records.text(records.varint()) };
      default:
        throw corrupt();
    }
  }
}
