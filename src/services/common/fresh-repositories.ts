import type { ObjectFormat } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import { parseRefName } from "../../git/ref/ref-name.ts";
import type { GitFlag } from "../../gitcmd/git-command.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import {
  applyTemplate,
  type RepositoryTemplate,
  readTemplate,
} from "../../storage/repository/repository-template.ts";
import type { GitCall } from "./git-call.ts";
import { initRepository } from "./init-repository.ts";

interface RepositoryKind {
  readonly format: ObjectFormat;
  /** The branch that HEAD names, without `refs/heads/`; empty for git's choice. */
  readonly branch: string;
}

/** Longer names of branches are left to git, with all its limits. */
const BRANCH_BYTES_MAX = 200;

/**
 * Makes empty repositories as `git init` does. Git makes the first of each kind on each storage, the
 * others are made alike: what git makes depends on its configuration and the file system, too, but
 * these stay the same.
 */
export class FreshRepositories {
  readonly #git: GitRunner;
  /** By storage, object format and whether a branch was given: a handful. */
  readonly #templates = new Map<string, RepositoryTemplate>();

  constructor(git: GitRunner) {
    this.#git = git;
  }

  /** Fills an empty directory. Throws as `initRepository`. */
  async make(place: LocatedRepository, kind: RepositoryKind, options: GitCall): Promise<void> {
    const { format, branch } = kind;
    const head = headOf(branch);
    const key = `${format} ${branch === ""} ${place.storagePath}`;
    const known = this.#templates.get(key);
    if (known !== undefined && head !== undefined) {
      applyTemplate(known, place.path, branch === "" ? undefined : head);
      return;
    }
    await initRepository(this.#git, place, flagsOf(kind), options);
    const template = known ?? readTemplate(place.path);
    if (template !== undefined) this.#templates.set(key, template);
  }
}

/** Undefined for a name that git may have something to say about. */
function headOf(branch: string): string | undefined {
  if (branch === "") return "";
  const name = `refs/heads/${branch}`;
  const binary = binaryFromText(name);
  return binary.length <= BRANCH_BYTES_MAX && parseRefName(binary) !== undefined ? name : undefined;
}

function flagsOf({ format, branch }: RepositoryKind): GitFlag[] {
  const flags: GitFlag[] = [["--object-format", format]];
  return branch === "" ? flags : [["--initial-branch", branch], ...flags];
}
