import { type ObjectFormat, type Oid, zeroOid } from "../oid/oid.ts";
import { PktLineEncoder } from "../pkt-line/pkt-line-encoder.ts";
import {
  type AdvertisedRepository,
  UnadvertisableRefError,
} from "../receive/push-advertisement.ts";
import { HEAD, type RefName } from "../ref/ref-name.ts";
import type { PeeledOid } from "../ref/ref-reader.ts";
import { findTagged } from "./find-tagged.ts";
import type { UploadSettings } from "./upload-settings.ts";

/** Bytes that are gathered before they are yielded. */
const CHUNK_BYTES = 64 * 1024;

/** The capabilities of every server, in git's order (gitprotocol-capabilities). */
const CAPABILITIES =
  "multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since deepen-not " +
  "deepen-relative no-progress include-tag multi_ack_detailed";

/** How a server introduces itself, see `Introduction`. */
export interface UploadIntroduction {
  readonly agent: string;
  readonly version: 0 | 1;
}

/**
 * Tells what a server can do to a client that speaks version 2 of the protocol, which asks for
 * references later (gitprotocol-v2, "Capability Advertisement").
 */
export function capabilityAdvertisement(
  { allowsFilter, advertisesBundles }: UploadSettings,
  format: ObjectFormat,
  agent: string,
): Buffer {
  const encoder = new PktLineEncoder()
    .line("version 2\n")
    .line(`agent=${agent}\n`)
    .line("ls-refs=unborn\n")
    .line(`fetch=shallow wait-for-done${allowsFilter ? " filter" : ""}\n`)
    .line("server-option\n")
    .line(`object-format=${format}\n`);
  if (advertisesBundles) encoder.line("bundle-uri\n");
  return encoder.flush().take();
}

/**
 * Yields the references that a client may fetch over HTTP, as `git upload-pack` does: HEAD, then
 * those that aren't hidden in the order of their names, tags together with what they lead to.
 *
 * Throws an UnadvertisableRefError, and what RefReader and ObjectDatabase throw.
 */
export function* uploadAdvertisement(
  { refs, objects }: AdvertisedRepository,
  settings: UploadSettings,
  { agent, version }: UploadIntroduction,
): Generator<Buffer, void, undefined> {
  const encoder = new PktLineEncoder(CHUNK_BYTES + 1024);
  if (version === 1) encoder.line("version 1\n");
  const head = refs.resolve(HEAD);
  if (head.state === "broken") throw new UnadvertisableRefError(HEAD);
  const isNamed = head.state === "found" && head.name !== HEAD;
  const symref = isNamed ? ` symref=HEAD:${head.name}` : "";
  let capabilities = `\0${capabilityText(settings, objects.format, agent, symref)}`;
  const add = (name: RefName, oid: Oid, peeled: PeeledOid): void => {
    encoder.line(`${oid} ${name}${capabilities}\n`);
    capabilities = "";
    const target = findTagged(objects, name, oid, peeled);
    if (target !== undefined) encoder.line(`${target} ${name}^{}\n`);
  };
  if (head.state === "found" && !settings.hiddenRefs.isHidden(HEAD)) {
    add(HEAD, head.oid, head.peeled);
  }
  const onBroken = (name: string): never => {
    throw new UnadvertisableRefError(name);
  };
  for (const { name, oid, peeled } of refs.list({ onBroken })) {
    if (settings.hiddenRefs.isHidden(name)) continue;
    add(name, oid, peeled);
    if (encoder.length >= CHUNK_BYTES) yield encoder.take();
  }
  if (capabilities !== "") {
    encoder.line(`${zeroOid(objects.format)} capabilities^{}${capabilities}\n`);
  }
  yield encoder.flush().take();
}

function capabilityText(
  { allowsAnyOid, allowsFilter }: UploadSettings,
  format: ObjectFormat,
  agent: string,
  symref: string,
): string {
  const wants = allowsAnyOid ? " allow-tip-sha1-in-want allow-reachable-sha1-in-want" : "";
  const filter = allowsFilter ? " filter" : "";
  const last = `object-format=${format} agent=${agent}`;
  return `${CAPABILITIES}${wants} no-done${symref}${filter} ${last}`;
}
