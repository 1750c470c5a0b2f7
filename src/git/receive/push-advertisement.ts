import type { ObjectDatabase } from "../object/object-database.ts";
import { type ObjectFormat, OID_HEX_LENGTH, type Oid, zeroOid } from "../oid/oid.ts";
import { PktLineEncoder } from "../pkt-line/pkt-line-encoder.ts";
import { FilesRefReader, type LooseListing } from "../ref/files-ref-reader.ts";
import type { ListedRef, RefReader } from "../ref/ref-reader.ts";
import {
  endOfLine,
  endOfNamesBefore,
  isLineOf,
  LENGTH_DIGITS,
  type PackedLines,
} from "./packed-lines.ts";
import type { ReceiveSettings } from "./receive-settings.ts";

/** What a client that wants to push is shown. */
export interface AdvertisedRepository {
  readonly refs: RefReader;
  readonly objects: ObjectDatabase;
  readonly packedLines: PackedLines;
}

/** How a server introduces itself. */
export interface Introduction {
  /** `git/VERSION-SYSTEM` */
  readonly agent: string;
  /** Version 1 of the protocol says so first; all others are like version 0. */
  readonly version: 0 | 1;
}

/** A reference is damaged or holds an object that isn't there; git has words for each such case. */
export class UnadvertisableRefError extends Error {}

/** Bytes that are gathered before they are yielded. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Yields the references that a client may push to, as `git receive-pack` does: those that aren't
 * hidden, in the order of their names. Chunks may be empty: others should get their turn then.
 *
 * Throws an UnadvertisableRefError, and what RefReader and ObjectDatabase throw.
 */
export function* pushAdvertisement(
  repository: AdvertisedRepository,
  settings: ReceiveSettings,
  { agent, version }: Introduction,
): Generator<Buffer, void, undefined> {
  const { format } = repository.objects;
  const encoder = new PktLineEncoder(CHUNK_BYTES + 1024);
  if (version === 1) encoder.line("version 1\n");
  let capabilities: string | undefined = capabilityText(settings, format, agent);
  const add = (text: string): void => {
    encoder.line(capabilities === undefined ? `${text}\n` : `${text}\0${capabilities}\n`);
    capabilities = undefined;
  };
  const addLines = (lines: Buffer): void => {
    let start = 0;
    if (capabilities !== undefined) {
      start = endOfLine(lines, 0);
      add(lines.toString("latin1", LENGTH_DIGITS, start - 1));
    }
    encoder.encoded(lines.subarray(start));
  };
  for (const part of advertisedRefs(repository, settings)) {
    if (part === undefined) yield NOTHING;
    else if (typeof part === "string") add(part);
    else addLines(part);
    if (encoder.length >= CHUNK_BYTES) yield encoder.take();
  }
  if (capabilities !== undefined) {
    encoder.line(`${zeroOid(format)} capabilities^{}\0${capabilities}\n`);
  }
  yield encoder.flush().take();
}

const NOTHING = Buffer.alloc(0);

/**
 * Yields what is said of references: the text of one, or pkt-lines of any number of them, cut where
 * they are longer than a chunk; undefined when others should get their turn.
 */
function* advertisedRefs(
  { refs, objects, packedLines }: AdvertisedRepository,
  { hiddenRefs }: ReceiveSettings,
): Generator<string | Buffer | undefined, void, undefined> {
  const seen = new Set<Oid>();
  const describe = ({ name, oid }: ListedRef): string | undefined => {
    if (hiddenRefs.isHidden(name)) return undefined;
    if (!seen.has(oid) && !objects.has(oid)) throw new UnadvertisableRefError(name);
    seen.add(oid);
    return `${oid} ${name}`;
  };
  if (refs instanceof FilesRefReader) {
    // As always: files are read before packed-refs is.
    const loose = refs.listLoose(failOnBroken);
    using open = refs.packed.open();
    const isKept = open.refs !== undefined && open.isKept;
    const packed = isKept ? yield* packedLines.find(open.refs, objects, hiddenRefs) : undefined;
    if (packed !== undefined) {
      yield* overlay(packed, loose, OID_HEX_LENGTH[objects.format], describe);
      return;
    }
  }
  for (const ref of refs.list({ onBroken: failOnBroken })) {
    const text = describe(ref);
    if (text !== undefined) yield text;
  }
}

function failOnBroken(name: string): never {
  throw new UnadvertisableRefError(name);
}

/** Puts the lines of loose references between those of packed ones, or in their place. */
function* overlay(
  packed: Buffer,
  loose: readonly LooseListing[],
  hexLength: number,
  describe: (ref: ListedRef) => string | undefined,
): Generator<string | Buffer, void, undefined> {
  let start = 0;
  for (const { name, listed } of loose) {
    const end = endOfNamesBefore(packed, start, name, hexLength);
    yield* pieces(packed.subarray(start, end));
    start = isLineOf(packed, end, name, hexLength) ? endOfLine(packed, end) : end;
    const text = listed && describe(listed);
    if (text !== undefined) yield text;
  }
  yield* pieces(packed.subarray(start));
}

/** The first one has a whole line at least. */
function* pieces(lines: Buffer): Generator<Buffer, void, undefined> {
  for (let start = 0; start < lines.length; start += CHUNK_BYTES) {
    yield lines.subarray(start, start + CHUNK_BYTES);
  }
}

function capabilityText(settings: ReceiveSettings, format: ObjectFormat, agent: string): string {
  return [
    "report-status report-status-v2 delete-refs side-band-64k quiet",
    ...(settings.advertisesAtomic ? ["atomic"] : []),
    ...(settings.prefersOffsetDeltas ? ["ofs-delta"] : []),
    ...(settings.advertisesPushOptions ? ["push-options"] : []),
    `object-format=${format}`,
    `agent=${agent}`,
  ].join(" ");
}
