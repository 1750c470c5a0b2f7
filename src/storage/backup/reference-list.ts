import { DomainError } from "../../base/error/domain-error.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { BackupSink } from "./backup-sink.ts";
import { inStage } from "./backup-stage.ts";

/** A reference as a backup remembers it; its name is a binary string. */
export interface BackedUpReference {
  readonly name: string;
  readonly oid: Oid;
}

/** A list of references isn't one. */
class ReferenceListError extends DomainError {
  constructor() {
    super("unknown", "invalid line in list of references");
  }
}

const LINE_BYTES_MAX = 1 << 20;
const CHUNK_LENGTH = 64 << 10;

/** Writes lines as `git show-ref --head` does: the object id, a blank, the name. */
export async function* formatReferences(
  references: AsyncIterable<BackedUpReference> | Iterable<BackedUpReference>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let lines = "";
  for await (const { name, oid } of references) {
    lines += `${oid} ${name}\n`;
    if (lines.length < CHUNK_LENGTH) continue;
    yield Buffer.from(lines, "latin1");
    lines = "";
  }
  if (lines !== "") yield Buffer.from(lines, "latin1");
}

/** Reads what `formatReferences` has written; a last line that is cut is refused. */
export async function* parseReferences(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<BackedUpReference, void, undefined> {
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + Buffer.from(piece).toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_BYTES_MAX) throw new ReferenceListError();
    for (const line of lines) yield parseLine(line);
  }
  if (rest !== "") throw new ReferenceListError();
}

/** The references that a step of a backup has, but HEAD: what that names, the manifest tells. */
export async function readReferences(
  sink: BackupSink,
  path: string,
  signal: AbortSignal,
): Promise<BackedUpReference[]> {
  return inStage("read refs", signal, async () => {
    const references: BackedUpReference[] = [];
    for await (const reference of parseReferences(sink.read(path, signal))) {
      if (reference.name !== HEAD) references.push(reference);
    }
    return references;
  });
}

function parseLine(line: string): BackedUpReference {
  const blank = line.indexOf(" ");
  const oid = parseOid(line.slice(0, blank));
  if (blank < 0 || oid === undefined || blank === line.length - 1) throw new ReferenceListError();
  return { name: line.slice(blank + 1), oid };
}
