import { create, toBinary } from "@bufbuild/protobuf";
import { DomainError } from "../../base/error/domain-error.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { parseOid } from "../../git/oid/oid.ts";
import {
  type ApplyBfgObjectMapStreamRequest,
  type CleanupService,
  type ApplyBfgObjectMapStreamResponse_Entry as Entry,
  ApplyBfgObjectMapStreamResponse_EntrySchema as EntrySchema,
} from "../../proto/cleanup_pb.ts";
import { ObjectType } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import { type ReferenceChangeNeeds, startReferenceChange } from "../common/change-references.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { quietly } from "../common/read-commit.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import {
  type InternalReferences,
  internalReferences,
  referencesTo,
} from "./internal-references.ts";
import { mapLines } from "./map-lines.ts";

export type ObjectMapNeeds = ReadNeeds & ReferenceChangeNeeds;
type ApplyBfgObjectMapStream = Handler<typeof CleanupService.method.applyBfgObjectMapStream>;

/**
 * Deletes the internal references that hold on to rewritten objects, as a map of old to new objects
 * names them: all of them or none. Replies what became of which object.
 */
export function applyBfgObjectMapStream(needs: ObjectMapNeeds): ApplyBfgObjectMapStream {
  return async function* (requests, call) {
    const stream = await takeFirst(requests);
    const located = locateRepository(needs.locator, stream.first.repository);
    const repository = openLocated(needs, located, call);
    const references = await findReferences(repository, call.signal);
    const chunk = new ReplyChunk<Entry>((entry) => toBinary(EntrySchema, entry).length);
    try {
      await using change = await start(needs, repository, call);
      const removal = new Removal(repository, references, change);
      for await (const entry of removal.apply(mapLines(mapBytes(stream)))) {
        const entries = chunk.add(entry);
        if (entries !== undefined) yield { entries };
      }
      await change.commit();
    } catch (error) {
      call.signal.throwIfAborted();
      throw invalid(error);
    }
    const entries = chunk.rest();
    if (entries !== undefined) yield { entries };
  };
}

async function findReferences(
  repository: OpenedRepository,
  signal: AbortSignal,
): Promise<InternalReferences> {
  try {
    return await internalReferences(repository, signal);
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== "unknown") throw error;
    throw internal(error.message, { cause: error });
  }
}

async function start(
  needs: ObjectMapNeeds,
  repository: OpenedRepository,
  call: Call,
): Promise<RefTransaction> {
  try {
    return await startReferenceChange(needs, repository, call);
  } catch (error) {
    throw wrapError("unknown", "start reference transaction", error);
  }
}

async function* mapBytes({
  first,
  rest,
}: OpenedStream<ApplyBfgObjectMapStreamRequest>): AsyncGenerator<Uint8Array, void, undefined> {
  yield first.objectMap;
  for await (const { objectMap } of rest) yield objectMap;
}

/** What git-filter-repo writes above its maps. */
const HEADER = `${"old".padEnd(40)} new`;

/** Queues the removal of references as the lines of a map come. */
class Removal {
  readonly #repository: OpenedRepository;
  readonly #references: InternalReferences;
  readonly #change: RefTransaction;
  readonly #removed = new Set<string>();

  constructor(
    repository: OpenedRepository,
    references: InternalReferences,
    change: RefTransaction,
  ) {
    this.#repository = repository;
    this.#references = references;
    this.#change = change;
  }

  /** Yields the objects that have changed. */
  async *apply(lines: AsyncIterable<string>): AsyncGenerator<Entry, void, undefined> {
    let number = 0;
    for await (const line of lines) {
      const entry = line === HEADER ? undefined : this.#parse(line, number);
      number += 1;
      if (entry === undefined || entry.oldOid === entry.newOid) continue;
      const references = referencesTo(this.#references, entry.oldOid);
      const type = references.length > 0 ? ObjectType.COMMIT : this.#typeOf(entry.newOid);
      yield create(EntrySchema, { type, ...entry });
      for (const name of references) {
        if (this.#removed.has(name)) continue;
        this.#removed.add(name);
        await this.#change.delete(name);
      }
    }
  }

  #parse(line: string, number: number): { readonly oldOid: string; readonly newOid: string } {
    const space = line.indexOf(" ");
    if (space < 0) throw invalidArgument(`object map invalid at line ${number}`);
    const [oldOid, newOid] = [line.slice(0, space), line.slice(space + 1)];
    const { format } = this.#repository.objects;
    for (const [which, oid] of [
      ["old", oldOid],
      ["new", newOid],
    ] as const) {
      if (objectIdProblem(oid, format) === undefined) continue;
      throw invalidArgument(`invalid ${which} object ID at line ${number}`);
    }
    return { oldOid, newOid };
  }

  #typeOf(oid: string): ObjectType {
    const parsed = parseOid(oid);
    const header = parsed && quietly(() => this.#repository.objects.header(parsed));
    return header === undefined ? ObjectType.UNKNOWN : TYPES[header.type];
  }
}

const TYPES = {
  commit: ObjectType.COMMIT,
  tree: ObjectType.TREE,
  blob: ObjectType.BLOB,
  tag: ObjectType.TAG,
} as const;

/** Whatever goes wrong with a map is the map's fault, unless something more specific is known. */
function invalid(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.kind !== "unknown") return error;
  return invalidArgument(error.message, { cause: error, metadata: error.metadata });
}
