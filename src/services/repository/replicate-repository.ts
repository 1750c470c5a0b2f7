import { DomainError } from "../../base/error/domain-error.ts";
import { type ReplicateRepositoryRequest, RepositoryService } from "../../proto/repository_pb.ts";
import type { Repository } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { createClient } from "../../rpc/client/client.ts";
import type { OutgoingMetadata } from "../../rpc/client/metadata.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import type { CreateNeeds } from "../common/create-repository.ts";
import { gitCall } from "../common/git-call.ts";
import { gitalyServer } from "../common/gitaly-servers.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { onBehalfOf } from "../common/remote-repository.ts";
import type { ServerChannels } from "../common/server-channels.ts";
import {
  createReplica,
  invalidSource,
  type SourceServer,
  sourceRefFormat,
} from "./create-replica.ts";
import { installCustomHooks } from "./install-custom-hooks.ts";
import { type MirrorNeeds, mirrorReferences } from "./mirror-references.ts";
import { replicateConfig } from "./replicate-config.ts";

type ReplicateRepository = Handler<typeof RepositoryService.method.replicateRepository>;

/**
 * Makes a repository like another one on another server: settings, attributes, references, objects
 * and custom hooks.
 *
 * One that isn't there yet, or is no repository, is made from a copy of the source's files first.
 */
export function replicateRepository(needs: MirrorNeeds & CreateNeeds): ReplicateRepository {
  return async (request, call) => {
    const { place, source } = checkedRequest(needs.locator, request);
    const server = { ...openSource(needs.channels, source, call), metadata: onBehalfOf(call) };
    await refuseMissing(server, source, call);
    const refFormat = await sourceRefFormat(server, source, call);
    const options = gitCall(call);
    let target = existing(needs.locator, request);
    if (target === undefined) {
      await createReplica(needs, { server, source, target: place, refFormat, options }, call);
      target = place;
    }
    const asCaller = { ...server, metadata: passedOn(call) };
    await doing("replicating repository: synchronizing gitconfig", () =>
      replicateConfig(needs.votes, asCaller, source, place, call),
    );
    const mirroring = { source, target, call, options, metadata: asCaller.metadata };
    const references = "replicating repository: synchronizing references: fetch internal remote";
    await doing(references, () => mirrorReferences(needs, mirroring));
    const hooks = "replicating repository: synchronizing custom hooks";
    await doing(hooks, () => replicateHooks(needs, asCaller, source, place, call));
    return {};
  };
}

interface Checked {
  readonly place: LocatedRepository;
  readonly source: Repository;
}

function checkedRequest(
  locator: RepositoryLocator,
  { repository, source }: ReplicateRepositoryRequest,
): Checked {
  const place = placeRepository(locator, repository);
  if (source === undefined) throw invalidArgument("source repository cannot be empty");
  if (place.storageName !== source.storageName) return { place, source };
  throw invalidArgument("repository and source have the same storage");
}

function openSource(
  channels: ServerChannels,
  { storageName }: Repository,
  call: Call,
): Pick<SourceServer, "client"> {
  try {
    const channel = channels.channel(gitalyServer(call.metadata, storageName));
    return { client: createClient(RepositoryService, channel) };
  } catch (error) {
    throw wrapError("internal", "new client", error);
  }
}

async function refuseMissing(
  { client, metadata }: SourceServer,
  source: Repository,
  { signal }: Call,
): Promise<void> {
  try {
    const { exists } = await client.repositoryExists({ repository: source }, { signal, metadata });
    if (exists) return;
  } catch (error) {
    throw wrapError("internal", "checking for repo existence", error);
  }
  throw invalidSource();
}

/** The target if it is a repository; whatever else is there will be replaced. */
function existing(
  locator: RepositoryLocator,
  { repository }: ReplicateRepositoryRequest,
): LocatedRepository | undefined {
  try {
    return locator.locate(repository);
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

/** Metadata that belongs to one connection or one call, not to those that are made for it. */
const OWN_METADATA =
  /^(?::|grpc-|(?:authorization|content-type|te|user-agent|gitaly-reference-transaction)$)/;

function passedOn(call: Call): OutgoingMetadata {
  const names = call.metadata.keys().filter((name) => !OWN_METADATA.test(name));
  const values = names.map((name) => [name, metadataValue(call, name)] as const);
  return { ...Object.fromEntries(values), ...onBehalfOf(call) };
}

function metadataValue({ metadata }: Call, name: string): string | Uint8Array | readonly string[] {
  const isBinary = name.endsWith("-bin");
  return isBinary ? Buffer.from(metadata.get(name) ?? "", "latin1") : metadata.getAll(name);
}

async function doing(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw wrapError("internal", what, error);
  }
}

async function replicateHooks(
  needs: MirrorNeeds,
  { client, metadata }: SourceServer,
  source: Repository,
  repository: LocatedRepository,
  call: Call,
): Promise<void> {
  const { signal } = call;
  const replies = client.getCustomHooks({ repository: source }, { signal, metadata });
  const parts = async function* () {
    yield { repository, data: new Uint8Array() };
    for await (const { data } of replies) yield { data };
  };
  await installCustomHooks(needs, parts(), call);
}
