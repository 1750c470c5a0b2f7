import { textFromBinary } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import { resolveRevision } from "../../git/revision/resolve-revision.ts";
import { parseRevision, type Revision } from "../../git/revision/revision.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { asInternal } from "../common/as-internal.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { Linguist } from "../common/linguist/linguist.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { quietly } from "../common/read-commit.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { countLanguages } from "./count-languages.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CommitLanguages = Handler<typeof CommitService.method.commitLanguages>;

/** Tells the shares of the languages that a commit's files are written in, the largest first. */
export function commitLanguages(needs: Needs): CommitLanguages {
  // Takes some megabytes, which servers that nobody asks for languages do without.
  let known: Linguist | undefined;
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const revision = parseRevision(request.revision, { empty: true });
    const repository = openLocated(needs, located, call);
    const name = revision === "" ? defaultBranch(repository.refs) : revision;
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const commit = await lookUp(repository, name, ask).catch((error: unknown) => {
      throw asInternal(wrapError("unknown", "looking up revision", error));
    });
    known ??= new Linguist();
    const linguist = known;
    const { signal } = call;
    const totals = await countLanguages(repository, commit, { ...ask, linguist, signal }).catch(
      (error: unknown) => {
        throw asInternal(wrapError("unknown", "language stats", error));
      },
    );
    return { languages: shares(totals, linguist) };
  };
}

/** A name of both a tag and a branch stands for the branch. */
async function lookUp(
  repository: OpenedRepository,
  name: string,
  ask: RevisionNeeds,
): Promise<string> {
  if (!isAmbiguous(repository, name)) return parse(repository, name, ask);
  for (const ref of repository.refs.list({ prefixes: ["refs/heads"] })) {
    if (ref.name.endsWith(`/${name}`)) return parse(repository, ref.name, ask);
  }
  throw new RpcError("unknown", `branch ${textFromBinary(name)} not found`);
}

const EXPANSIONS = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];

function isAmbiguous({ refs }: OpenedRepository, name: string): boolean {
  const found = [...EXPANSIONS.map((prefix) => prefix + name), `refs/remotes/${name}/HEAD`].filter(
    (full) => {
      const ref = parseRefName(full, { oneLevel: true });
      return ref !== undefined && refs.findOid(ref) !== undefined;
    },
  );
  return found.length > 1;
}

async function parse(
  repository: OpenedRepository,
  name: string,
  { git, gitCall }: RevisionNeeds,
): Promise<string> {
  const found =
    name === "" ? undefined : quietly(() => resolveRevision(repository, name as Revision));
  if (found?.state === "found") return found.oid;
  try {
    const command = { name: "rev-parse", args: [textFromBinary(name)] } as const;
    const { stdout } = await git.run(repository.located, command, gitCall());
    return stdout.toString("latin1").replace(/\n$/, "");
  } catch (error) {
    if (!(error instanceof GitExitError)) throw error;
    const [line = ""] = error.stderr.split("\n");
    throw new RpcError("unknown", `${error.message}: ${line}`, { cause: error });
  }
}

function shares(totals: ReadonlyMap<string, number>, linguist: Linguist) {
  let sum = 0;
  for (const bytes of totals.values()) sum += bytes;
  const languages = [...totals].map(([name, bytes]) => {
    const id = linguist.entry(name)?.id;
    if (id === undefined) {
      throw internal(`linguist language_id fetch: linguist language_id not found: ${name}`);
    }
    return {
      name,
      share: Math.fround(Math.fround(100 * bytes) / Math.fround(sum)),
      color: linguist.colorOf(name),
      languageId: BigInt(id),
      bytes: BigInt(bytes),
    };
  });
  return languages.sort((one, other) => other.share - one.share);
}
