import { quoteText } from "../../base/text/quote-text.ts";
import { peelTags } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";
import { isAncestorAlike } from "../common/git-ancestry.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import type { Operation } from "../common/operation.ts";
import { quietly } from "../common/read-commit.ts";

/** Whether a commit is part of another one's history. What is no commit fails in git's words. */
export async function isAncestor(
  git: GitRunner,
  { repository, knownHistory, options }: Operation,
  ancestor: Oid,
  child: Oid,
): Promise<boolean> {
  const commits = [findCommit(repository, ancestor), findCommit(repository, child)] as const;
  try {
    const isKnown = commits.every((oid) => knownHistory.find(oid) !== undefined);
    const history = isKnown ? knownHistory : repository.history;
    return await isAncestorAlike(git, { located: repository.located, history }, commits, options);
  } catch (error) {
    throw wrapError("internal", "checking for ancestry", error);
  }
}

/** Fails with what git says to an object that is no commit. */
function findCommit({ objects }: OpenedRepository, oid: Oid): Oid {
  const peeled = quietly(() => peelTags(objects, oid));
  if (peeled?.type === "commit") return peeled.oid;
  const doing = "checking for ancestry";
  if (peeled === undefined) throw internal(`${doing}: invalid commit: "${oid}"`);
  const reason = `error: object ${peeled.oid} is a ${peeled.type}, not a commit`;
  const stderr = quoteText(`${reason}\nfatal: Not a valid commit name ${oid}\n`);
  throw internal(`${doing}: determine ancestry: exit status 128, stderr: ${stderr}`);
}
