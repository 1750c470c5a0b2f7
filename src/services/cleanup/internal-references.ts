import { CommitObject } from "../../git/object/commit-object.ts";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import type { RefName } from "../../git/ref/ref-name.ts";
import { Turns } from "../../storage/file/turns.ts";
import { gitFailure } from "../common/git-failure.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { readObject } from "../common/read-commit.ts";

/** References that GitLab makes for its own use. */
const PREFIXES = [
  "refs/environments/",
  "refs/keep-around/",
  "refs/merge-requests/",
  "refs/pipelines/",
  "refs/remotes/",
  "refs/tmp/",
];

/** Which internal references hold an object, or a commit whose parent it is. */
export type InternalReferences = ReadonlyMap<Oid, readonly RefName[]>;

/**
 * Lists all internal references by the objects that they hold on to. Whatever is missing or damaged
 * is an error.
 */
export async function internalReferences(
  { refs, objects }: OpenedRepository,
  signal: AbortSignal,
): Promise<InternalReferences> {
  const turns = new Turns(signal);
  const names = new Map<Oid, RefName[]>();
  const add = (oid: Oid, name: RefName): void => {
    const known = names.get(oid);
    if (known === undefined) names.set(oid, [name]);
    else known.push(name);
  };
  for (const { name, oid } of gitFailure(() => [...refs.list({ prefixes: PREFIXES })])) {
    add(oid, name);
    const type = gitFailure(() => objects.header(oid)?.type);
    if (type === undefined) gitFailure(() => missing(oid));
    if (type === "commit") {
      const object = await readObject(objects, oid, signal);
      if (object === undefined) return gitFailure(() => missing(oid));
      const { content } = object;
      for (const parent of gitFailure(() => new CommitObject(content, objects.format).parents)) {
        add(parent, name);
      }
    }
    if (turns.isOver()) await turns.next();
  }
  return names;
}

function missing(oid: Oid): never {
  throw new ObjectNotFoundError(oid);
}

/** The references that hold on to an object which a map names. */
export function referencesTo(references: InternalReferences, oid: string): readonly RefName[] {
  const parsed = parseOid(oid);
  return (parsed && references.get(parsed)) ?? [];
}
