import type { Reftable } from "./reftable.ts";
import type { ReftableCursor, ReftableRecord } from "./reftable-cursor.ts";

/** A reference that counts: in the newest table that has it, and not deleted there. */
export type LiveRecord = Exclude<ReftableRecord, { readonly kind: "deleted" }>;

/** Finds a reference in tables, of which the newest is the last. */
export function findInReftables(tables: readonly Reftable[], name: string): LiveRecord | undefined {
  for (let index = tables.length - 1; index >= 0; index--) {
    const record = tables[index]?.seek(name).record;
    if (record?.name === name) return record.kind === "deleted" ? undefined : record;
  }
  return undefined;
}

/** Yields the references from `start` on that tables have together, in the order of their names. */
export function* mergeReftables(
  tables: readonly Reftable[],
  start: string,
): Generator<LiveRecord, void, undefined> {
  const cursors = tables.map((table) => table.seek(start)).toReversed();
  for (;;) {
    const record = firstRecord(cursors);
    if (record === undefined) return;
    for (const cursor of cursors) if (cursor.record?.name === record.name) cursor.next();
    if (record.kind !== "deleted") yield record;
  }
}

/** The record that sorts first; among those by the same name that of the first cursor. */
function firstRecord(cursors: readonly ReftableCursor[]): ReftableRecord | undefined {
  let first: ReftableRecord | undefined;
  for (const { record } of cursors) {
    if (record !== undefined && (first === undefined || record.name < first.name)) first = record;
  }
  return first;
}
