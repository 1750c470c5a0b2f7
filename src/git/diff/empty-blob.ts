import { deflateSync } from "node:zlib";
import type { ObjectFormat, Oid } from "../oid/oid.ts";

const IDS = {
  sha1: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
  sha256: "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
};

/** The id of the blob without content. Git doesn't know that blob unless somebody has written it. */
export function emptyBlobId(format: ObjectFormat): Oid {
  return IDS[format] as Oid;
}

/** What the loose object file of the empty blob holds. */
export function encodeEmptyBlob(): Buffer {
  return deflateSync("blob 0\0");
}
