import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTo } from "../../base/stream/write-to.ts";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import { parseSideband } from "../../git/pkt-line/sideband.ts";
import type { HookProcess } from "./hook-process.ts";
import { type HookQuestion, questionFields } from "./hook-question.ts";

/**
 * Has the server make the pack that upload-pack wants, and hands it on.
 *
 * The server connects to a socket of ours, which takes what git asks for and gives the pack back:
 * that is cheaper than messages.
 */
export async function packObjects(question: HookQuestion): Promise<number> {
  const { client, payload, metadata, process } = question;
  const folder = await makeFolder(payload.runtimeDirectory);
  const server = createServer({ allowHalfOpen: true });
  try {
    const path = join(folder, "sidechannel");
    server.listen(path);
    const proxying = accept(server).then((socket) => proxy(socket, process));
    proxying.catch(() => undefined);
    await once(server, "listening");
    const calling = client.packObjectsHookWithSidechannel(
      { ...questionFields(question), args: [...process.args], ...userFields(question) },
      { metadata: { ...metadata, "gitaly-sidechannel-socket": path } },
    );
    // The call's failure says more than that of the connection, which follows from it.
    await calling.finally(() => server.close());
    await proxying;
    return 0;
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function userFields({ payload: { user } }: HookQuestion): Record<string, string> {
  if (user === undefined) return {};
  const { id: glId, username: glUsername, protocol: gitProtocol, remoteIp } = user;
  return { glId, glUsername, gitProtocol, remoteIp };
}

/** The folder of all such sockets is made by whoever comes first. */
async function makeFolder(runtimeDirectory: string): Promise<string> {
  if (runtimeDirectory === "") return mkdtemp(join(tmpdir(), "gitaly"));
  const parent = join(runtimeDirectory, "chan.d");
  await mkdir(parent, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  return mkdtemp(join(parent, "/"));
}

/** The first connection; later ones are refused. */
function accept(server: Server): Promise<Socket> {
  return new Promise((resolve, reject) => {
    server.once("connection", (socket) => {
      socket.on("error", () => undefined);
      server.close();
      resolve(socket);
    });
    server.once("close", () => reject(new Error("the server has not connected")));
    server.once("error", reject);
  });
}

async function proxy(socket: Socket, process: HookProcess): Promise<void> {
  const sending = sendInput(socket, process);
  sending.catch((error) => socket.destroy(error));
  try {
    await printBands(socket, process);
  } finally {
    socket.destroy();
  }
}

async function sendInput(socket: Socket, { stdin }: HookProcess): Promise<void> {
  for await (const chunk of stdin) await writeTo(socket, chunk);
  socket.end();
}

async function printBands(socket: Socket, process: HookProcess): Promise<void> {
  const parser = new PktLineParser();
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    parser.push(chunk);
    for (let packet = parser.next(); packet !== undefined; packet = parser.next()) {
      if (packet.kind !== "data") throw new Error("unexpected packet");
      const { band, data } = parseSideband(packet.data);
      await (band === 1 ? process.stdout(data) : process.stderr(data));
    }
  }
  if (parser.bufferedBytes > 0) throw new Error("packet is cut short");
}
