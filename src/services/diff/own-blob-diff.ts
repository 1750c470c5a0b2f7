import { ByteWriter } from "../../git/diff/text/byte-writer.ts";
import type { DiffContents } from "../../git/diff/tree/diff-contents.ts";
import { createPair, type DiffFile } from "../../git/diff/tree/file-pair.ts";
import { writeChanges, writeRawLine } from "../../git/diff/tree/write-patch.ts";
import { type ObjectFormat, OID_HEX_LENGTH, parseOid } from "../../git/oid/oid.ts";
import { LeftToGitError } from "../common/tree-pairs.ts";

/** What git takes a blob for that is named by its id. */
const REGULAR_MODE = 0o100644;

/** What stands for a path where nobody reads it. */
const ANY_PATH = "blob";

/**
 * Prints how two blobs differ, as `git diff --patch-with-raw` does, but for their names.
 *
 * Throws `DiffTooHardError`, and `LeftToGitError` for what isn't named by its id: a path has a mode
 * and attributes of its own.
 */
export function printBlobDiff(
  contents: DiffContents,
  revisions: readonly string[],
  format: ObjectFormat,
): Buffer {
  const [from, to] = revisions.map((revision) => namedBlob(revision, format));
  if (from === undefined || to === undefined) throw new LeftToGitError("revision");
  const writer = new ByteWriter(8 * 1024);
  const renamed = { path: ANY_PATH };
  writeRawLine(writer, createPair({ ...from, ...renamed }, { ...to, ...renamed }));
  writer.writeBinary(`\ndiff --git a/${ANY_PATH} b/${ANY_PATH}\n`);
  writeChanges(writer, { from, to }, contents);
  return writer.take();
}

/** A blob by its id, which is its path as well where attributes are concerned. */
function namedBlob(revision: string, format: ObjectFormat): DiffFile | undefined {
  const oid = revision.length === OID_HEX_LENGTH[format] ? parseOid(revision) : undefined;
  return oid && { path: revision, mode: REGULAR_MODE, oid };
}
