import { GitExitError, type GitRunner } from "../../gitcmd/git-runner.ts";
import type { InfoRefsRequest, SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Reply } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { parseConfigOptions } from "../common/config-options.ts";
import { gitCall } from "../common/git-call.ts";
import { gitProtocolEnvironment } from "../common/git-protocol.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { NO_BUNDLE_URI } from "../common/upload-pack-config.ts";

export type InfoRefsNeeds = { readonly locator: RepositoryLocator; readonly git: GitRunner };
type InfoRefsReply = Reply<typeof SmartHTTPService.method.infoRefsUploadPack>;
type Service = "upload-pack" | "receive-pack";

/** Advertises the references as `GET /info/refs` answers them over HTTP. */
export async function* infoRefs(
  { locator, git }: InfoRefsNeeds,
  service: Service,
  request: InfoRefsRequest,
  call: Call,
): AsyncGenerator<InfoRefsReply> {
  const repository = locateRepository(locator, request.repository);
  const config = [...parseConfigOptions(request.gitConfigOptions), ...NO_BUNDLE_URI];
  yield { data: serviceHeader(service) };
  try {
    const advertisement = git.stream(repository, command(service, repository, request, config), {
      ...gitCall(call),
      hooks: "disabled",
    });
    for await (const data of advertisement) yield { data };
  } catch (error) {
    throw error instanceof GitExitError ? wrapError("internal", "wait", error) : error;
  }
}

function command(
  name: Service,
  { path }: LocatedRepository,
  { gitProtocol }: InfoRefsRequest,
  config: ReturnType<typeof parseConfigOptions>,
): Parameters<GitRunner["stream"]>[1] {
  const flags = ["--stateless-rpc", "--advertise-refs"];
  return { name, config, flags, args: [path], env: gitProtocolEnvironment(gitProtocol) };
}

/** The lines that gitprotocol-http puts before the advertisement. */
function serviceHeader(service: Service): Buffer {
  const line = `# service=git-${service}\n`;
  return Buffer.from(`${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`);
}
