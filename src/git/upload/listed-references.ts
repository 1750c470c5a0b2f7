import type { ObjectDatabase } from "../object/object-database.ts";
import type { Oid } from "../oid/oid.ts";
import { PktLineEncoder } from "../pkt-line/pkt-line-encoder.ts";
import {
  type AdvertisedRepository,
  UnadvertisableRefError,
} from "../receive/push-advertisement.ts";
import type { HiddenRefs } from "../ref/hidden-refs.ts";
import { HEAD, type RefName } from "../ref/ref-name.ts";
import type { PeeledOid } from "../ref/ref-reader.ts";
import { findTagged } from "./find-tagged.ts";
import type { LsRefsRequest } from "./ls-refs-request.ts";

/** Bytes that are gathered before they are yielded. */
const CHUNK_BYTES = 64 * 1024;

/** One line of the answer. `oid` is undefined for a branch that isn't born yet. */
interface Line {
  readonly name: RefName;
  readonly oid: Oid | undefined;
  readonly symref: RefName | undefined;
  readonly peeled: PeeledOid;
}

/**
 * Yields the answer to `ls-refs` as git gives it: HEAD, then the references in the order of their
 * names, and a flush.
 *
 * Throws an UnadvertisableRefError, and what RefReader and ObjectDatabase throw.
 */
export function* listedReferences(
  { refs, objects }: AdvertisedRepository,
  hiddenRefs: HiddenRefs,
  request: LsRefsRequest,
): Generator<Buffer, void, undefined> {
  const { prefixes } = request;
  const encoder = new PktLineEncoder(CHUNK_BYTES + 1024);
  const add = (line: Line): void => {
    if (!hiddenRefs.isHidden(line.name)) encoder.line(lineText(objects, request, line));
  };
  if (prefixes.length === 0 || prefixes.some((prefix) => HEAD.startsWith(prefix))) {
    const head = findHead(refs, request);
    if (head !== undefined) add(head);
  }
  const onBroken = (name: string): never => {
    throw new UnadvertisableRefError(name);
  };
  for (const ref of refs.list({ prefixes, onBroken })) {
    add(ref);
    if (encoder.length >= CHUNK_BYTES) yield encoder.take();
  }
  yield encoder.flush().take();
}

function findHead(
  refs: AdvertisedRepository["refs"],
  { symrefs, unborn }: LsRefsRequest,
): Line | undefined {
  const head = refs.resolve(HEAD);
  if (head.state === "broken") throw new UnadvertisableRefError(HEAD);
  const symref = head.name === HEAD ? undefined : head.name;
  if (head.state === "found") return { name: HEAD, oid: head.oid, symref, peeled: head.peeled };
  if (!unborn || !symrefs || symref === undefined) return undefined;
  return { name: HEAD, oid: undefined, symref, peeled: undefined };
}

function lineText(
  objects: ObjectDatabase,
  request: LsRefsRequest,
  { name, oid, symref, peeled }: Line,
): string {
  const target = request.symrefs && symref !== undefined ? ` symref-target:${symref}` : "";
  if (oid === undefined) return `unborn ${name}${target}\n`;
  const tagged = findTagged(objects, name, oid, request.peel ? peeled : null);
  return `${oid} ${name}${target}${tagged === undefined ? "" : ` peeled:${tagged}`}\n`;
}
