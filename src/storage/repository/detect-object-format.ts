import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { UnknownObjectFormatError } from "./object-format.ts";
import { UnreadableConfigError } from "./repository-config.ts";

/** The first `objectformat = …` of any section. */
const OBJECT_FORMAT = /^[ \t]*objectformat[ \t]*=[ \t]*([^\r\n]*)/im;

/**
 * Finds out which object format the repository at `path` (its git directory) has, without caring
 * whether its configuration is well-formed: git is about to read that, and to say what is wrong.
 *
 * @throws UnreadableConfigError, UnknownObjectFormatError
 */
export function detectObjectFormat(path: string): ObjectFormat {
  const [, value = "sha1"] = OBJECT_FORMAT.exec(readConfig(path)) ?? [];
  if (value !== "sha1" && value !== "sha256") throw new UnknownObjectFormatError(value);
  return value;
}

function readConfig(path: string): string {
  try {
    return readFileSync(join(path, "config"), "latin1");
  } catch (error) {
    throw new UnreadableConfigError(error);
  }
}
