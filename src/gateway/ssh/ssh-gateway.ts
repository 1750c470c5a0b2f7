import ssh2, {
  type AuthContext,
  type Connection,
  type ServerChannel,
  type Server as SshServer,
} from "ssh2";
import type { Logger } from "../../base/log/logger.ts";
import { readSide } from "../../base/stream/read-side.ts";
import { ANONYMOUS, type Identity } from "../access/http-access.ts";
import type { SshAccess } from "../access/ssh-access.ts";
import type { GitBackend, TransferRequest } from "../backend/git-backend.ts";
import { createMissing } from "../create-missing.ts";
import { parseRepositoryPath } from "../repository-path.ts";
import { failureText } from "./failure-text.ts";
import { parseSshGitCommand, type SshService } from "./git-command.ts";

export interface SshGatewayOptions {
  readonly backend: GitBackend;
  readonly access: SshAccess;
  readonly storageName: string;
  /** Whether the first push to a path makes the repository. */
  readonly createOnPush: boolean;
  /** Private keys in OpenSSH's format, see `openHostKeys`. */
  readonly hostKeys: readonly string[];
  readonly logger: Logger;
}

/** Attempts to prove who one is, over one connection. */
const AUTHENTICATION_ATTEMPTS_MAX = 20;
/** Commands at once over one connection. */
const CHANNELS_MAX = 10;
/** The exit status that git clients take for "could not be served". */
const EXIT_FAILED = 128;
const KEEPALIVE_MS = 60_000;

/** Serves git's commands over SSH; nothing else can be run. The caller listens and closes. */
export function createSshGateway(options: SshGatewayOptions): SshServer {
  const config = {
    hostKeys: [...options.hostKeys],
    ident: "gitaly-ts",
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: 3,
  };
  return new ssh2.Server(config, (connection) => serveConnection(options, connection));
}

function serveConnection(options: SshGatewayOptions, connection: Connection): void {
  const gone = new AbortController();
  let identity: Identity | undefined;
  let attempts = 0;
  let channels = 0;
  connection.on("error", () => gone.abort());
  connection.on("close", () => gone.abort());
  connection.on("authentication", (context) => {
    attempts += 1;
    if (attempts > AUTHENTICATION_ATTEMPTS_MAX) connection.end();
    else identity = authenticate(options.access, context);
  });
  connection.on("session", (accept, reject) => {
    if (identity === undefined || channels >= CHANNELS_MAX) return void reject();
    channels += 1;
    const session = accept();
    const from = identity;
    let gitProtocol = "";
    session.on("close", () => {
      channels -= 1;
    });
    session.on("env", (acceptEnv, _reject, { key, val }) => {
      if (key === "GIT_PROTOCOL") gitProtocol = val;
      acceptEnv?.();
    });
    session.on("exec", (acceptExec, _reject, { command }) => {
      const channel = acceptExec();
      void serveCommand(options, channel, command, { identity: from, gitProtocol }, gone.signal);
    });
    session.on("shell", (acceptShell) => {
      const channel = acceptShell();
      channel.stderr.write("Only git commands can be run here.\n");
      finish(channel, 1);
    });
  });
}

/** Answers one attempt. Returns who it is once that is proven. */
function authenticate(access: SshAccess, context: AuthContext): Identity | undefined {
  if (access.open) {
    context.accept();
    return ANONYMOUS;
  }
  if (context.method !== "publickey") {
    context.reject(["publickey"]);
    return undefined;
  }
  const identity = access.admit(context.key.data);
  const { signature, blob } = context;
  if (identity === undefined) context.reject(["publickey"]);
  else if (signature === undefined || blob === undefined) context.accept();
  else if (verifies(context.key, blob, signature, context.hashAlgo)) {
    context.accept();
    return identity;
  } else context.reject(["publickey"]);
  return undefined;
}

function verifies(
  { algo, data }: { readonly algo: string; readonly data: Buffer },
  blob: Buffer,
  signature: Buffer,
  hash: string | undefined,
): boolean {
  const parsed = ssh2.utils.parseKey(`${algo} ${data.toString("base64")}`);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || key instanceof Error) return false;
  return key.verify(blob, signature, hash) === true;
}

async function serveCommand(
  options: SshGatewayOptions,
  channel: ServerChannel,
  line: string,
  client: { readonly identity: Identity; readonly gitProtocol: string },
  connectionGone: AbortSignal,
): Promise<void> {
  const channelGone = new AbortController();
  channel.on("close", () => channelGone.abort());
  channel.on("error", () => channelGone.abort());
  const signal = AbortSignal.any([connectionGone, channelGone.signal]);
  const command = parseSshGitCommand(line);
  const repository = command && parseRepositoryPath(options.storageName, command.path);
  if (command === undefined || repository === undefined) {
    channel.stderr.write("This is no git command for a repository.\n");
    return finish(channel, EXIT_FAILED);
  }
  try {
    const transfer = { repository, ...client, signal };
    finish(channel, await transferFiles(options, command.service, transfer, channel));
  } catch (error) {
    if (signal.aborted) return;
    options.logger.warn("git command failed", { error, service: command.service });
    channel.stderr.write(`remote: ${failureText(error)}\n`);
    finish(channel, EXIT_FAILED);
  }
}

async function transferFiles(
  { backend, createOnPush }: SshGatewayOptions,
  service: SshService,
  transfer: TransferRequest,
  channel: ServerChannel,
): Promise<number> {
  const streams = { input: readSide(channel), output: channel, errors: channel.stderr };
  switch (service) {
    case "upload-pack":
      return backend.sshUploadPack(transfer, streams);
    case "upload-archive":
      return backend.sshUploadArchive(transfer, streams);
    case "receive-pack":
      if (createOnPush) await createMissing(backend, transfer.repository, transfer.signal);
      return backend.sshReceivePack(transfer, streams);
  }
}

function finish(channel: ServerChannel, status: number): void {
  channel.exit(status);
  channel.end();
}
