import { type Server, type ServerDuplexStream, status } from "@grpc/grpc-js";

type UnknownCall = ServerDuplexStream<Buffer, Buffer>;

/**
 * Has a server say of methods that it doesn't have what servers written with Go's library say:
 * clients read these words to find out which services there are.
 */
export function answerUnknownMethods(server: Server): void {
  const known: unknown = Reflect.get(server, "handlers");
  // The library keeps its methods to itself; its version is pinned for this.
  if (!(known instanceof Map)) throw new Error("the gRPC library keeps its methods elsewhere");
  Reflect.set(server, "handlers", new MethodTable(known));
}

class MethodTable extends Map<string, unknown> {
  override get(path: string): unknown {
    return super.get(path) ?? this.#refusal(path);
  }

  #refusal(path: string): unknown {
    const details = this.#problem(path);
    return {
      type: "bidi",
      path,
      func: (call: UnknownCall) => call.emit("error", { code: status.UNIMPLEMENTED, details }),
      serialize: (bytes: Buffer) => bytes,
      deserialize: (bytes: Buffer) => bytes,
    };
  }

  #problem(path: string): string {
    const end = path.lastIndexOf("/");
    if (end <= 0) return `malformed method name: ${JSON.stringify(path)}`;
    const service = path.slice(1, end);
    for (const known of this.keys()) {
      if (known.startsWith(`/${service}/`)) {
        return `unknown method ${path.slice(end + 1)} for service ${service}`;
      }
    }
    return `unknown service ${service}`;
  }
}
