import type { OidContext } from "../object/abbreviated-oid.ts";
import { CommitObject, parseCommitLinks } from "../object/commit-object.ts";
import { ObjectNotFoundError, ObjectTooLargeError } from "../object/object-error.ts";
import type { GitObject } from "../object/object-type.ts";
import { peelTags, peelToCommit, peelToTree } from "../object/peel.ts";
import { TagObject } from "../object/tag-object.ts";
import type { Oid } from "../oid/oid.ts";
import { bytesFromBinary } from "../ref/binary-string.ts";
import { type RevisionSource, resolveName } from "./resolve-name.ts";
import type { Revision } from "./revision.ts";
import {
  type PeelTarget,
  parseRevisionSyntax,
  type RevisionStep,
  type RevisionSyntax,
} from "./revision-syntax.ts";

/** What a revision stands for. */
export type RevisionResolution =
  /** A full object id counts as found even if there is no such object, as it does for git. */
  | { readonly state: "found"; readonly oid: Oid }
  | { readonly state: "missing" }
  /** An abbreviated object id of several objects. */
  | { readonly state: "ambiguous" }
  /** Only git can tell: see `parseRevisionSyntax`; also where a long way or a large tree is read. */
  | { readonly state: "unsupported" };

/** How many commits are read at once; longer walks are left to git and a process of its own. */
const WALK_COMMITS_MAX = 1000;

/** Tags of tags are followed this far. */
const PEEL_STEPS_MAX = 1000;

/**
 * Resolves a revision as `git rev-parse --verify` and `git cat-file --batch-check` do.
 *
 * `context` says what the caller needs, which decides between abbreviated object ids when neither
 * steps nor a path do. Throws a CorruptObjectError when an object on the way is damaged, and what
 * the reader of references throws.
 */
export function resolveRevision(
  source: RevisionSource,
  revision: Revision,
  context: OidContext = "any",
): RevisionResolution {
  const syntax = parseRevisionSyntax(revision);
  if (syntax === undefined) return { state: "unsupported" };
  if (syntax.steps.some(({ kind }) => kind === "impossible")) return { state: "missing" };
  if (walkLength(syntax.steps) > WALK_COMMITS_MAX) return { state: "unsupported" };
  const start = resolveName(source, syntax.name, syntax.context ?? context);
  if (start === "missing") return { state: "missing" };
  if (start === "ambiguous") return { state: reportsAmbiguity(syntax) ? "ambiguous" : "missing" };
  try {
    return { state: "found", oid: follow(source, start, syntax) };
  } catch (error) {
    if (error instanceof DeadEndError || error instanceof ObjectNotFoundError) {
      return { state: "missing" };
    }
    if (error instanceof ObjectTooLargeError) return { state: "unsupported" };
    throw error;
  }
}

function walkLength(steps: readonly RevisionStep[]): number {
  let length = 0;
  for (const step of steps) length += step.kind === "ancestor" ? step.count : 1;
  return length;
}

/** Git says that an id is ambiguous when only parents are asked for, else that nothing is there. */
function reportsAmbiguity({ steps, path }: RevisionSyntax): boolean {
  return path === undefined && steps.every(({ kind }) => kind === "parent" || kind === "ancestor");
}

function follow(source: RevisionSource, start: Oid, { steps, path }: RevisionSyntax): Oid {
  let current = start;
  for (const step of steps) current = take(source, current, step);
  return path === undefined ? current : findPath(source, current, path);
}

/** The revision leads nowhere, for example to the parent of a commit without any. */
class DeadEndError extends Error {}

function take(source: RevisionSource, oid: Oid, step: RevisionStep): Oid {
  switch (step.kind) {
    case "impossible":
      throw new DeadEndError();
    case "peel":
      return peel(source, oid, step.target);
    case "parent":
      return step.number === 0 ? commitAt(source, oid) : parentAt(source, oid, step.number);
    case "ancestor":
      return ancestorAt(source, oid, step.count);
  }
}

function commitAt({ objects }: RevisionSource, oid: Oid): Oid {
  const commit = peelToCommit(objects, oid);
  if (commit === undefined) throw new DeadEndError();
  return commit;
}

function parentAt(source: RevisionSource, oid: Oid, number: number): Oid {
  const content = readObject(source, commitAt(source, oid)).content;
  const parent = parseCommitLinks(content, source.objects.format).parents[number - 1];
  if (parent === undefined) throw new DeadEndError();
  return parent;
}

function ancestorAt(source: RevisionSource, oid: Oid, count: number): Oid {
  let current = commitAt(source, oid);
  for (let steps = 0; steps < count; steps++) {
    const { content } = readObject(source, current);
    const [parent] = parseCommitLinks(content, source.objects.format).parents;
    if (parent === undefined) throw new DeadEndError();
    current = parent;
  }
  return current;
}

/** Follows tags, and commits to their trees, until there is an object of the wanted type. */
function peel(source: RevisionSource, oid: Oid, target: PeelTarget): Oid {
  if (target === "") return peelTags(source.objects, oid).oid;
  let current = oid;
  for (let steps = 0; steps < PEEL_STEPS_MAX; steps++) {
    const header = source.objects.header(current);
    if (header === undefined) throw new DeadEndError();
    if (target === "object" || header.type === target) return current;
    current = peelOnce(source, readObject(source, current));
  }
  throw new DeadEndError();
}

function peelOnce({ objects }: RevisionSource, { type, content }: GitObject): Oid {
  if (type === "tag") return new TagObject(content, objects.format).object;
  if (type === "commit") return new CommitObject(content, objects.format).tree;
  throw new DeadEndError();
}

/** Finds what stands at a path below the tree that `oid` leads to; the empty path is that tree. */
function findPath(source: RevisionSource, oid: Oid, path: string): Oid {
  const tree = peelToTree(source.objects, oid);
  if (tree === undefined) throw new DeadEndError();
  const bytes = bytesFromBinary(path);
  let current = tree;
  for (let start = 0; start < bytes.length; ) {
    const { type, content } = readObject(source, current);
    if (type !== "tree") throw new DeadEndError();
    const match = source.objects.trees.find(content, bytes, start);
    if (match === undefined) throw new DeadEndError();
    current = match.entry.oid;
    start = match.rest;
  }
  return current;
}

function readObject({ objects }: RevisionSource, oid: Oid): GitObject {
  const object = objects.read(oid);
  if (object === undefined) throw new DeadEndError();
  return object;
}
