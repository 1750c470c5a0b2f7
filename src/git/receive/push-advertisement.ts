import type { ObjectDatabase } from "../object/object-database.ts";
import { type ObjectFormat, type Oid, zeroOid } from "../oid/oid.ts";
import { PktLineEncoder } from "../pkt-line/pkt-line-encoder.ts";
import type { RefReader } from "../ref/ref-reader.ts";
import type { ReceiveSettings } from "./receive-settings.ts";

/** What a client that wants to push is shown. */
export interface AdvertisedRepository {
  readonly refs: RefReader;
  readonly objects: ObjectDatabase;
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
 * hidden, in the order of their names.
 *
 * Throws an UnadvertisableRefError, and what RefReader and ObjectDatabase throw.
 */
export function* pushAdvertisement(
  { refs, objects }: AdvertisedRepository,
  settings: ReceiveSettings,
  { agent, version }: Introduction,
): Generator<Buffer, void, undefined> {
  const encoder = new PktLineEncoder(CHUNK_BYTES + 1024);
  if (version === 1) encoder.line("version 1\n");
  let capabilities: string | undefined = capabilityText(settings, objects.format, agent);
  const seen = new Set<Oid>();
  const onBroken = (name: string): never => {
    throw new UnadvertisableRefError(name);
  };
  for (const { name, oid } of refs.list({ onBroken })) {
    if (settings.hiddenRefs.isHidden(name)) continue;
    if (!seen.has(oid) && !objects.has(oid)) throw new UnadvertisableRefError(name);
    seen.add(oid);
    encoder.line(
      capabilities === undefined ? `${oid} ${name}\n` : `${oid} ${name}\0${capabilities}\n`,
    );
    capabilities = undefined;
    if (encoder.length >= CHUNK_BYTES) yield encoder.take();
  }
  if (capabilities !== undefined) {
    encoder.line(`${zeroOid(objects.format)} capabilities^{}\0${capabilities}\n`);
  }
  yield encoder.flush().take();
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
