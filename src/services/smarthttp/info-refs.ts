import { create, toBinary } from "@bufbuild/protobuf";
import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import {
  type InfoRefsRequest,
  InfoRefsResponseSchema,
  type SmartHTTPService,
} from "../../proto/smarthttp_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import type { Reply } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { type BundleUris, bundleUriOptions } from "../common/bundle-uri/bundle-uris.ts";
import { parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { GitProtocols } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { advertisePush } from "../common/receive-pack/push-advertiser.ts";
import { openForPush } from "../common/receive-pack/push-settings.ts";
import { startFailure } from "../common/start-failure.ts";
import { UploadAdvertiser } from "../common/upload-advertiser.ts";

export interface InfoRefsNeeds {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly bundleUris: BundleUris | undefined;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

type InfoRefsReply =
  | Reply<typeof SmartHTTPService.method.infoRefsUploadPack>
  | EncodedReply<typeof InfoRefsResponseSchema>;
type Service = "upload-pack" | "receive-pack";

type InfoRefs = (request: InfoRefsRequest, call: Call) => AsyncGenerator<InfoRefsReply>;

/** Advertises the references as `GET /info/refs` answers them over HTTP. */
export function infoRefs(needs: InfoRefsNeeds, service: Service): InfoRefs {
  const { locator, git, bundleUris } = needs;
  const protocols = new GitProtocols(needs);
  const header = serviceHeader(service);
  const uploads = new UploadAdvertiser(needs, { before: header, encode: encodeReply });
  return async function* (request, call) {
    const repository = locateRepository(locator, request.repository);
    const options = parseConfigOptions(request.gitConfigOptions);
    const config = [...options, ...(await bundleUriOptions(bundleUris, repository, call))];
    const env = protocols.environment(request.gitProtocol, call);
    const advertisement =
      service === "upload-pack"
        ? await uploads.advertise(repository, config, env["GIT_PROTOCOL"])
        : await advertiseToPush(needs, { repository, config, env, header });
    if (advertisement !== undefined) {
      for (const reply of advertisement) yield new EncodedReply(InfoRefsResponseSchema, reply);
      return;
    }
    yield { data: header };
    const command = {
      name: service,
      config,
      flags: ["--stateless-rpc", "--advertise-refs"],
      args: [repository.path],
      env,
    } as const;
    try {
      const options = { ...gitCall(call), hooks: "disabled" } as const;
      for await (const data of git.stream(repository, command, options)) yield { data };
    } catch (error) {
      if (error instanceof GitExitError) throw wrapError("internal", "wait", error);
      throw startFailure("internal", "cmd", error);
    }
  };
}

interface Push {
  readonly repository: LocatedRepository;
  readonly config: readonly ConfigPair[];
  readonly env: Readonly<Record<string, string>>;
  readonly header: Buffer;
}

async function advertiseToPush(
  needs: InfoRefsNeeds,
  { repository, config, env, header }: Push,
): Promise<readonly Buffer[] | undefined> {
  const pushable = openForPush(needs, repository, config);
  if (pushable === undefined) return undefined;
  const pieces = await advertisePush(needs.git, pushable.repository, pushable.settings, env);
  return pieces?.map((piece, i) => encodeReply(i === 0 ? Buffer.concat([header, piece]) : piece));
}

/** Encodes a reply with a piece of what is advertised. */
function encodeReply(data: Buffer): Buffer {
  const { buffer, byteOffset, length } = toBinary(
    InfoRefsResponseSchema,
    create(InfoRefsResponseSchema, { data }),
  );
  return Buffer.from(buffer, byteOffset, length);
}

/** The lines that gitprotocol-http puts before the advertisement. */
function serviceHeader(service: Service): Buffer {
  const line = `# service=git-${service}\n`;
  return Buffer.from(`${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`);
}
