import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { RefReader } from "../../git/ref/ref-reader.ts";
import type { RefService } from "../../proto/ref_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { gitFailure, refuseNul } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { Mailmaps } from "../common/mailmaps.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommit } from "../common/read-commit.ts";

type Needs = ReadNeeds & { readonly mailmaps: Mailmaps };
type FindBranch = Handler<typeof RefService.method.findBranch>;

/** Finds a branch by its name without `refs/heads/`; the reply is empty when there is none. */
export function findBranch(needs: Needs): FindBranch {
  return async ({ repository, name }, call) => {
    const located = locateRepository(needs.locator, repository);
    if (name.length === 0) throw invalidArgument("Branch name cannot be empty");
    const ref = `refs/heads/${binaryFromBytes(name)}`;
    refuseNul(ref);
    const reader = openLocated(needs, located, call);
    const oid = gitFailure(() => findOnly(reader.refs, ref));
    if (oid === undefined) return {};
    const mailmap = needs.mailmaps.find(reader, call);
    const targetCommit = await readCommit(reader.objects, oid, mailmap, call.signal);
    if (targetCommit === undefined) throw internal("object not found", { metadata: { oid } });
    return { branch: { name, targetCommit } };
  };
}

/** As `git for-each-ref --count=1`, so the name is also a pattern; what it finds has to be the name. */
function findOnly(refs: RefReader, ref: string): Oid | undefined {
  const name = parseRefName(ref);
  const found = name && refs.resolve(name);
  if (found?.state === "found") return found.oid;
  // Nothing below a name can be listed unless the name is a folder or a pattern.
  for (const listed of refs.list({ patterns: [ref] })) {
    const other = quoteBytes(bytesFromBinary(listed.name));
    throw invalidArgument(
      `target reference is ambiguous: reference is ambiguous: conflicts with ${other}`,
    );
  }
  return undefined;
}
