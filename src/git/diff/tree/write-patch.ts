import { zeroOid } from "../../oid/oid.ts";
import type { ByteWriter } from "../text/byte-writer.ts";
import { findTextChanges } from "../text/text-changes.ts";
import { writeHunks } from "../text/write-hunks.ts";
import type { DiffContents } from "./diff-contents.ts";
import { type DiffFile, type FilePair, SCORE_MAX } from "./file-pair.ts";
import { quotePath } from "./quote-path.ts";

/** Writes the line of the format `--raw` for a file, with full ids. */
export function writeRawLine(writer: ByteWriter, { status, score, from, to }: FilePair): void {
  const modes = `:${octal(from.mode)} ${octal(to.mode)}`;
  const letter = status === "R" ? `R${String(percent(score)).padStart(3, "0")}` : status;
  const paths =
    status === "R" ? `${quotePath(from.path)}\t${quotePath(to.path)}` : quotePath(to.path);
  writer.writeBinary(`${modes} ${from.oid} ${to.oid} ${letter}\t${paths}\n`);
}

/**
 * Writes a file's patch, as `git diff --full-index` prints it. A change of type comes as a removal
 * and a creation. Throws `DiffTooHardError`; then part of it was written.
 */
export function writePatch(writer: ByteWriter, pair: FilePair, contents: DiffContents): void {
  if (pair.status !== "T") {
    writeOnePatch(writer, pair, contents);
    return;
  }
  const { from, to } = pair;
  writeOnePatch(writer, { ...pair, status: "D", to: withoutFile(to) }, contents);
  writeOnePatch(writer, { ...pair, status: "A", from: withoutFile(from) }, contents);
}

function withoutFile({ path, oid }: DiffFile): DiffFile {
  return { path, mode: 0, oid: zeroOid(oid.length === 40 ? "sha1" : "sha256") };
}

function writeOnePatch(writer: ByteWriter, pair: FilePair, contents: DiffContents): void {
  writer.writeBinary(headerOf(pair));
  writeChanges(writer, pair, contents);
}

/** Writes a patch without what stands before the files' names. */
export function writeChanges(
  writer: ByteWriter,
  pair: Pick<FilePair, "from" | "to">,
  contents: DiffContents,
): void {
  const { from, to } = pair;
  if (from.oid === to.oid) return;
  const known = contents.knownPatch(from, to);
  if (known === "binary") writeBinaryNote(writer, pair);
  else if (known === undefined) findAndWriteChanges(writer, pair, contents);
  else if (known.length > 0) {
    writeNames(writer, pair);
    writer.writeRange(known, 0, known.length);
  }
}

function findAndWriteChanges(
  writer: ByteWriter,
  pair: Pick<FilePair, "from" | "to">,
  contents: DiffContents,
): void {
  const { from, to } = pair;
  const texts = contents.readTexts(from, to);
  if (texts === undefined) {
    writeBinaryNote(writer, pair);
    contents.keepPatch(from, to, "binary");
    return;
  }
  const changes = findTextChanges(...texts, contents.memory);
  if (changes.changes.length === 0) return;
  writeNames(writer, pair);
  const start = writer.length;
  writeHunks(writer, changes, contents.functionsOf(from, to));
  contents.keepPatch(from, to, writer.copyFrom(start));
}

function writeBinaryNote(writer: ByteWriter, pair: Pick<FilePair, "from" | "to">): void {
  const names = namesOf(pair);
  writer.writeBinary(`Binary files ${names.from} and ${names.to} differ\n`);
}

function writeNames(writer: ByteWriter, pair: Pick<FilePair, "from" | "to">): void {
  const names = namesOf(pair);
  writer.writeBinary(
    `--- ${names.from}${tabAfter(names.from)}\n+++ ${names.to}${tabAfter(names.to)}\n`,
  );
}

/** Shows programs that read patches where a name with blanks ends. */
function tabAfter(name: string): string {
  return name.includes(" ") ? "\t" : "";
}

function namesOf({ from, to }: Pick<FilePair, "from" | "to">): { from: string; to: string } {
  return {
    from: from.mode === 0 ? "/dev/null" : quotePath(from.path, "a/"),
    to: to.mode === 0 ? "/dev/null" : quotePath(to.path, "b/"),
  };
}

function headerOf({ status, score, from, to }: FilePair): string {
  const lines = [`diff --git ${quotePath(from.path, "a/")} ${quotePath(to.path, "b/")}`];
  if (from.mode === 0) lines.push(`new file mode ${octal(to.mode)}`);
  else if (to.mode === 0) lines.push(`deleted file mode ${octal(from.mode)}`);
  else if (from.mode !== to.mode) {
    lines.push(`old mode ${octal(from.mode)}`, `new mode ${octal(to.mode)}`);
  }
  if (status === "R") {
    lines.push(
      `similarity index ${percent(score)}%`,
      `rename from ${quotePath(from.path)}`,
      `rename to ${quotePath(to.path)}`,
    );
  }
  if (from.oid !== to.oid) {
    const mode = from.mode === to.mode ? ` ${octal(from.mode)}` : "";
    lines.push(`index ${from.oid}..${to.oid}${mode}`);
  }
  return `${lines.join("\n")}\n`;
}

function percent(score: number): number {
  return Math.floor((score * 100) / SCORE_MAX);
}

function octal(mode: number): string {
  return mode.toString(8).padStart(6, "0");
}
