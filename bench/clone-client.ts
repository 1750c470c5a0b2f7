/**
 * Clones and throws the bytes away, in a process of its own so that what a client costs isn't
 * counted. Started by `clone/clone-client-process.ts`, which sends it one order after the other.
 *
 *   node bench/clone-client.ts ADDRESS TOKEN
 */
import { SmartHTTPService } from "../src/proto/smarthttp_pb.ts";
import { SSHService } from "../src/proto/ssh_pb.ts";
import type { CallOptions } from "../src/rpc/client/call-options.ts";
import { dial } from "../src/rpc/client/channel.ts";
import { createClient } from "../src/rpc/client/client.ts";
import type { CloneAnswer, CloneOrder } from "./clone/clone-order.ts";

const [address = "", token = ""] = process.argv.slice(2);
const channel = dial(address, { token: token === "" ? undefined : token, sidechannel: true });

process.on("message", (order: CloneOrder) => void answer(order));
process.once("disconnect", () => void channel.close());

async function answer(order: CloneOrder): Promise<void> {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  let bytes = 0;
  let error: string | undefined;
  try {
    const clones = Array.from({ length: order.count }, () => clone(order));
    for (const moved of await Promise.all(clones)) bytes += moved;
  } catch (thrown) {
    error = String(thrown);
  }
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  const reply: CloneAnswer = { bytes, wallMs, cpuMicroseconds: user + system, error };
  process.send?.(reply);
}

async function clone({ kind, storageName, relativePath, request }: CloneOrder): Promise<number> {
  const repository = { storageName, relativePath, glRepository: "project-1" };
  const call = { repository, gitProtocol: "version=2" };
  const makeCall = (options: CallOptions): Promise<unknown> =>
    kind === "http"
      ? createClient(SmartHTTPService, channel).postUploadPackWithSidechannel(call, options)
      : createClient(SSHService, channel).sSHUploadPackWithSidechannel(call, options);
  let bytes = 0;
  await channel.withSidechannel(async (stream) => {
    const ended = Promise.withResolvers<void>();
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.once("end", ended.resolve).once("error", ended.reject);
    stream.end(Buffer.from(request, "base64"));
    await ended.promise;
  }, makeCall);
  return bytes;
}
