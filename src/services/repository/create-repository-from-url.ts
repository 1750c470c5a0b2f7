import type { ConfigPair } from "../../gitcmd/git-command.ts";
import {
  CreateRepositoryFromURLErrorSchema,
  type CreateRepositoryFromURLRequest,
  type RepositoryService,
} from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { detail, internal, invalidArgument, notFound, wrapError } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { type CreateNeeds, createRepository } from "../common/create-repository.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { InvalidUrlError, type ParsedUrl, parseUrl, urlText } from "../common/parse-url.ts";
import { configEnvironment } from "../common/remote-settings.ts";
import { resolveRemote } from "../common/resolved-remote.ts";
import { forgetOrigin, runClone } from "../common/run-clone.ts";
import { startFailure } from "../common/start-failure.ts";

type CreateRepositoryFromUrl = Handler<typeof RepositoryService.method.createRepositoryFromURL>;

const REMOTE_NOT_FOUND = /fatal: repository '.*' not found/;

/** Makes a repository from one that is elsewhere. It appears as a whole; on failure nothing is left. */
export function createRepositoryFromUrl(needs: CreateNeeds): CreateRepositoryFromUrl {
  return async (request, call) => {
    const target = placeRepository(needs.locator, request.repository);
    if (request.url === "") throw invalidArgument("empty Url");
    const options = gitCall(call);
    const seed = (temporary: LocatedRepository) => clone(needs, temporary, request, options);
    try {
      await createRepository(needs, target, { initFlags: undefined, seed, options }, call);
    } catch (error) {
      throw wrapError("internal", "creating repository", error);
    }
    return {};
  };
}

async function clone(
  { git }: CreateNeeds,
  temporary: LocatedRepository,
  request: CreateRepositoryFromURLRequest,
  options: GitCall,
): Promise<void> {
  const { mirror: isMirror, resolvedAddress } = request;
  const { url, settings } = readSource(request);
  const flags = [isMirror ? "--mirror" : "--bare"];
  const env = configEnvironment(settings);
  const cloned = await runClone(git, temporary, { url, flags, env }, options).catch(
    (error: unknown) => {
      throw startFailure("internal", "starting clone", error);
    },
  );
  const { failure, stderr } = cloned;
  if (failure === undefined) {
    await forgetOrigin(git, temporary, { ...options, isMirror }).catch((error: unknown) => {
      throw wrapError("internal", "removing origin remote: remote cmd wait", error);
    });
    return;
  }
  if (REMOTE_NOT_FOUND.test(stderr)) {
    throw notFound("cloning repository: repository at given URL not found", {
      cause: failure,
      detail: detail(CreateRepositoryFromURLErrorSchema, {
        error: { case: "remoteNotFound", value: {} },
      }),
    });
  }
  const metadata = { stderr, resolved_address: resolvedAddress };
  throw internal(`cloning repository: ${failure.message}`, { cause: failure, metadata });
}

interface Source {
  readonly url: string;
  readonly settings: readonly ConfigPair[];
}

/** Takes names and passwords out of the URL, which everybody can read among git's arguments. */
function readSource(request: CreateRepositoryFromURLRequest): Source {
  const parsed = parseSourceUrl(request.url);
  const url = urlText({ ...parsed, user: undefined });
  const authorization = authorizationOf(parsed, request);
  const settings =
    authorization === ""
      ? []
      : [{ key: "http.extraHeader", value: `Authorization: ${authorization}` }];
  if (request.resolvedAddress === "") return { url, settings };
  try {
    const resolved = resolveRemote(url, request.resolvedAddress);
    return { url: resolved.url, settings: [...settings, ...resolved.config] };
  } catch (error) {
    const doing = "starting clone: couldn't get curloptResolve config";
    throw wrapError("invalid-argument", doing, error);
  }
}

function parseSourceUrl(url: string): ParsedUrl {
  try {
    return parseUrl(url);
  } catch (error) {
    if (!(error instanceof InvalidUrlError)) throw error;
    throw internal(`starting clone: ${error.message}`, { cause: error });
  }
}

function authorizationOf(
  { user }: ParsedUrl,
  { httpAuthorizationHeader }: CreateRepositoryFromURLRequest,
): string {
  if (user === undefined) return httpAuthorizationHeader;
  const { name, password } = user;
  const credentials = password === undefined ? name : `${name}:${password}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}
