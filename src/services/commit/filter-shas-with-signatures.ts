import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import { SignatureType } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { takeFirst } from "../common/first-request.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { readCommit } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type FilterShasWithSignatures = Handler<typeof CommitService.method.filterShasWithSignatures>;

/** Answers each request with those of its commits that are signed. */
export function filterShasWithSignatures(needs: Needs): FilterShasWithSignatures {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const located = locateRepository(needs.locator, first.repository);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const isSigned = async (sha: Uint8Array): Promise<boolean> => {
      const oid = await findObject(repository, `${binaryFromBytes(sha)}^{commit}`, ask);
      const commit = oid && (await readCommit(repository.objects, oid, undefined, call.signal));
      return commit !== undefined && commit.signatureType !== SignatureType.NONE;
    };
    const filter = async (shas: readonly Uint8Array[]): Promise<{ shas: Uint8Array[] }> => {
      const signed: Uint8Array[] = [];
      for (const sha of shas) if (await isSigned(sha)) signed.push(sha);
      return { shas: signed };
    };
    yield await filter(first.shas);
    for await (const { shas } of rest) yield await filter(shas);
  };
}
