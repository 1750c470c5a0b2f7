import { Mailmap } from "../../git/mailmap/mailmap.ts";
import { peelToTree } from "../../git/object/peel.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { HEAD } from "../../git/ref/ref-name.ts";
import type { Call } from "../../rpc/call.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { quietly } from "./read-commit.ts";

/** Mailmaps that are kept. */
const MAILMAPS_MAX = 256;

/** A larger file isn't applied: it would take long to read with each change of the branch. */
const MAILMAP_BYTES_MAX = 1024 * 1024;

const NAME = Buffer.from(".mailmap");

/** Finds the mailmap that applies to what a repository's commits and tags say about people. */
export class Mailmaps {
  /** By the commit that HEAD leads to. */
  readonly #known = new Map<Oid, Mailmap | undefined>();

  /**
   * Returns the mailmap `HEAD:.mailmap`, unless there is none, it says nothing or the client has
   * switched its use off.
   */
  find({ refs, objects }: OpenedRepository, { metadata }: Call): Mailmap | undefined {
    if (metadata.get("gitaly-feature-mailmap-options") === "false") return undefined;
    const head = refs.findOid(HEAD);
    if (head === undefined) return undefined;
    if (this.#known.has(head)) return this.#known.get(head);
    const mailmap = readMailmap(objects, head);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < MAILMAPS_MAX) break;
      this.#known.delete(oldest);
    }
    this.#known.set(head, mailmap);
    return mailmap;
  }
}

function readMailmap(objects: OpenedRepository["objects"], head: Oid): Mailmap | undefined {
  const oid = findMailmap(objects, head);
  if (oid === undefined) return undefined;
  const header = objects.header(oid);
  if (header?.type !== "blob" || header.size > MAILMAP_BYTES_MAX) return undefined;
  const blob = objects.read(oid, MAILMAP_BYTES_MAX);
  if (blob === undefined) return undefined;
  const mailmap = new Mailmap(blob.content);
  return mailmap.isEmpty ? undefined : mailmap;
}

/** Damage on the way isn't ours to report: git goes on without a mailmap as well. */
function findMailmap(objects: OpenedRepository["objects"], head: Oid): Oid | undefined {
  return quietly(() => {
    const tree = peelToTree(objects, head);
    const content = tree === undefined ? undefined : objects.read(tree)?.content;
    if (content === undefined) return undefined;
    return objects.trees.find(content, NAME)?.entry.oid;
  });
}
