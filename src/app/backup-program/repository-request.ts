import type { GitalyServer } from "../../services/common/gitaly-servers.ts";
import type { RemoteAddress } from "./backup-operator.ts";
import { readJsonValues } from "./json-values.ts";

/** One repository to work on, and who has it. */
export interface RepositoryRequest {
  /** Blank for the server that is known for the storage. */
  readonly server: GitalyServer;
  readonly repository: RemoteAddress;
  readonly alwaysCreate: boolean;
}

/** How the reference names the type that requests of a command are read into. */
export type RequestType = "serverRepository" | "restoreRequest";

/** Reads the requests that are JSON objects on standard input. */
export async function* readRequests(
  stdin: AsyncIterable<Uint8Array>,
  type: RequestType,
): AsyncGenerator<RepositoryRequest, void, undefined> {
  for await (const value of readJsonValues(stdin)) yield requestOf(value ?? {}, type);
}

function requestOf(value: object | unknown, type: RequestType): RepositoryRequest {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const into = `Go value of type gitalybackup.${type}`;
    throw new TypeError(`json: cannot unmarshal ${kindOf(value)} into ${into}`);
  }
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const outer = type === "restoreRequest" ? "restoreRequest.serverRepository" : type;
  const text = (name: string, place = outer): string => {
    const found = fields[name] ?? "";
    if (typeof found === "string") return found;
    throw mismatch(found, `${place}.${name}`, "string");
  };
  const alwaysCreate = type === "restoreRequest" ? (fields["always_create"] ?? false) : false;
  if (typeof alwaysCreate !== "boolean") {
    throw mismatch(alwaysCreate, `${type}.always_create`, "bool");
  }
  return {
    server: {
      address: text("address", `${outer}.ServerInfo`),
      token: text("token", `${outer}.ServerInfo`),
    },
    repository: {
      storageName: text("storage_name"),
      relativePath: text("relative_path"),
      glProjectPath: text("gl_project_path"),
    },
    alwaysCreate,
  };
}

function mismatch(value: unknown, field: string, wanted: string): TypeError {
  const message = `cannot unmarshal ${kindOf(value)} into Go struct field ${field} of type ${wanted}`;
  return new TypeError(`json: ${message}`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}
