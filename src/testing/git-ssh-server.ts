import { spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import type { TestContext } from "node:test";
import ssh2 from "ssh2";
import { generateKeyPair } from "../gateway/ssh/generate-key-pair.ts";
import { findTestGit } from "./git-repository.ts";

/** A server of git's protocol over SSH that lets one key in. */
export interface GitSshServer {
  readonly port: number;
  /** The private key that is let in. */
  readonly clientKey: string;
  /** A line for known_hosts. */
  readonly knownHost: string;
}

/** Serves every repository that a client names, until the test ends. */
export async function startGitSshServer(t: TestContext): Promise<GitSshServer> {
  const host = generateKeyPair("ed25519");
  const client = generateKeyPair("ed25519");
  const allowed = ssh2.utils.parseKey(client.public);
  if (allowed instanceof Error) throw allowed;
  const connections = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [host.private] }, (connection) => {
    connections.add(connection);
    connection.on("error", () => undefined);
    connection.on("close", () => connections.delete(connection));
    connection.on("authentication", (context) => {
      const isAllowed =
        context.method === "publickey" && context.key.data.equals(allowed.getPublicSSH());
      if (isAllowed) context.accept();
      else context.reject(["publickey"]);
    });
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => run(command, acceptExec()));
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  t.after(() => {
    for (const connection of connections) connection.end();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const knownHost = `[127.0.0.1]:${port} ${host.public}\n`;
  return { port, clientKey: client.private, knownHost };
}

function run(command: string, channel: ssh2.ServerChannel): void {
  const git = findTestGit();
  const PATH = `${dirname(git)}:${process.env["PATH"]}`;
  const child = spawn("sh", ["-c", command], { env: { PATH, GIT_CONFIG_GLOBAL: "/dev/null" } });
  child.stdin.on("error", () => undefined);
  channel.on("error", () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on("close", (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}
