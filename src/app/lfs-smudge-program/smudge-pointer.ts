import type { LfsObjects } from "../../gitlab/lfs-objects.ts";
import type { AccessCaller } from "../../hooks/access/access-check.ts";

/** Whatever is longer is no pointer. */
export const POINTER_BYTES_MAX = 1024;

const VERSIONS = new Set([
  "https://git-lfs.github.com/spec/v1",
  "https://hawser.github.com/spec/v1",
  "http://git-media.io/v/2",
]);
const EXTENSION = /^ext-\d-\w+$/;
const OID = /^sha256:([0-9a-f]{64})$/;
const KEYS = ["version", "oid", "size"] as const;

/** Where pointers lead. */
export interface SmudgeSource {
  readonly objects: LfsObjects;
  readonly glRepository: string;
  readonly caller: AccessCaller;
}

/**
 * Opens what a pointer stands for; undefined when the content is no pointer, or GitLab doesn't have
 * the object: then the content stays as it is. Rejects with an ApiError when GitLab can't be asked.
 */
export async function smudgePointer(
  content: Buffer,
  { objects, glRepository, caller }: SmudgeSource,
): Promise<AsyncIterable<Buffer> | undefined> {
  const oid = pointerOid(content);
  return oid === undefined ? undefined : objects.open(oid, glRepository, caller);
}

/**
 * The SHA-256 of the object that a pointer stands for. Read as strictly as Git LFS itself does, see
 * "The Pointer" in its specification: nothing but the known keys, in their order.
 */
export function pointerOid(content: Buffer): string | undefined {
  if (content.length > POINTER_BYTES_MAX) return undefined;
  const values: string[] = [];
  for (const line of content.toString("latin1").trim().split(/\r?\n/)) {
    if (line === "") continue;
    const [key = "", ...rest] = line.split(" ");
    if (rest.length === 0) return undefined;
    if (key === KEYS[values.length]) values.push(rest.join(" "));
    else if (!EXTENSION.test(key)) return undefined;
  }
  const [version = "", oid = "", size = ""] = values;
  if (!VERSIONS.has(version) || !/^\d+$/.test(size)) return undefined;
  return OID.exec(oid)?.[1];
}
