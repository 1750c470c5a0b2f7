import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GitObject } from "../../git/object/object-type.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { parseOid } from "../../git/oid/oid.ts";
import type { CommitSigner, SignatureVerifier } from "../../git/signing/commit-signer.ts";
import {
  type CommitService,
  type GetCommitSignaturesRequest,
  type GetCommitSignaturesResponseSchema,
  GetCommitSignaturesResponse_Signer as Signer,
} from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { cutContent } from "../common/content-chunks.ts";
import { gitCommit } from "../common/git-commit.ts";
import {
  type OpenedRepository,
  openRepository,
  type ReadNeeds,
} from "../common/open-repository.ts";
import { readCommitObject } from "../common/read-commit.ts";
import { splitSignedCommit } from "./signed-commit.ts";

type GetCommitSignatures = Handler<typeof CommitService.method.getCommitSignatures>;
type Reply = MessageInitShape<typeof GetCommitSignaturesResponseSchema>;

/** Signs what the server makes; undefined when nothing is signed. */
interface SignerNeeds {
  readonly signer: CommitSigner | undefined;
}

/**
 * Streams the signatures of commits: for each signed one who signed it, then what was signed in
 * pieces. Commits that are missing or not signed are passed over.
 */
export function getCommitSignatures(needs: ReadNeeds & SignerNeeds): GetCommitSignatures {
  return async function* (request, call) {
    const repository = openRepository(needs, request.repository, call);
    checkIds(repository, request);
    const isSystems = systemVerifier(needs);
    for (const id of request.commitIds) {
      const oid = parseOid(id);
      const commit = oid && (await readCommitObject(repository.objects, oid, call.signal));
      if (commit !== undefined) yield* replies(commit, isSystems);
    }
  };
}

function systemVerifier({ signer }: SignerNeeds): SignatureVerifier {
  if (signer === undefined) return () => false;
  try {
    return signer.readVerifier();
  } catch (error) {
    throw wrapError("unknown", "failed to parse signing key", error);
  }
}

function checkIds({ objects }: OpenedRepository, { commitIds }: GetCommitSignaturesRequest): void {
  if (commitIds.length === 0) throw invalidArgument("empty CommitIds");
  for (const id of commitIds) {
    const problem = objectIdProblem(id, objects.format);
    if (problem !== undefined) throw invalidArgument(problem);
  }
}

function* replies(
  { oid, content }: GitObject,
  isSystems: SignatureVerifier,
): Generator<Reply, void> {
  const { signature, payload } = splitSignedCommit(content);
  if (signature === undefined || signature.length === 0) return;
  const { author, committer } = gitCommit(oid, content, undefined);
  yield {
    commitId: oid,
    signature,
    signer: isSystems(payload, signature) ? Signer.SYSTEM : Signer.USER,
    ...(author && { author }),
    ...(committer && { committer }),
  };
  for (const signedText of cutContent(payload)) yield { signedText };
}
