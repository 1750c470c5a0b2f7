import type { ObjectFormat } from "../../git/oid/oid.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { detectObjectFormat } from "../../storage/repository/detect-object-format.ts";

/** The object format of a repository that git is about to serve. */
export function objectFormatOf({ path }: LocatedRepository): ObjectFormat {
  try {
    return detectObjectFormat(path);
  } catch (error) {
    throw wrapError("internal", "detecting object hash", error);
  }
}
