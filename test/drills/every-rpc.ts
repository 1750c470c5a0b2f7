import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { AnalysisService } from "../../src/proto/analysis_pb.ts";
import { BlobService } from "../../src/proto/blob_pb.ts";
import { CleanupService } from "../../src/proto/cleanup_pb.ts";
import { CommitService } from "../../src/proto/commit_pb.ts";
import { ConflictsService } from "../../src/proto/conflicts_pb.ts";
import { DiffService } from "../../src/proto/diff_pb.ts";
import { HookService } from "../../src/proto/hook_pb.ts";
import { ObjectPoolService } from "../../src/proto/objectpool_pb.ts";
import { OperationService } from "../../src/proto/operations_pb.ts";
import { RefService } from "../../src/proto/ref_pb.ts";
import { RemoteService } from "../../src/proto/remote_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { ServerService } from "../../src/proto/server_pb.ts";
import { SmartHTTPService } from "../../src/proto/smarthttp_pb.ts";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import { CallError } from "../../src/rpc/client/call-error.ts";
import type { CallOptions } from "../../src/rpc/client/call-options.ts";
import type { Channel } from "../../src/rpc/client/channel.ts";
import { createClient } from "../../src/rpc/client/client.ts";
import { DRILL_REPOSITORY, DRILL_USER } from "./write-load.ts";

const SERVICES = [
  ...[AnalysisService, BlobService, CleanupService, CommitService, ConflictsService, DiffService],
  ...[HookService, ObjectPoolService, OperationService, RefService, RemoteService],
  ...[RepositoryService, ServerService, SmartHTTPService, SSHService],
];

/** These take away or replace what the others need. */
const DESTRUCTIVE =
  /^(RemoveRepository|DeleteObjectPool|MigrateReferenceBackend|RestoreRepository)$/;

const CALL_TIMEOUT_MS = 5000;
const DEPTH_MAX = 4;
/** Replies of a stream that are looked at before it is left. */
const REPLIES_MAX = 50;

/** The RPCs that a drill may call with anything. */
export const DRILLED_METHODS: readonly DescMethod[] = SERVICES.flatMap(({ methods }) =>
  methods.filter(({ name }) => !DESTRUCTIVE.test(name)),
);

/** Replaces one text of the requests: the one with this index gets this value. */
export interface Planted {
  readonly index: number;
  readonly value: string;
}

/** Makes requests that an RPC could accept. */
export class RequestMaker {
  readonly #oid: string;
  #planted: Planted | undefined;
  #textCount = 0;

  /** `oid` is a commit of the repository. */
  constructor(oid: string) {
    this.#oid = oid;
  }

  /** The messages of one call, and how many texts there are in them. */
  make(method: DescMethod, planted?: Planted): { messages: Message[]; textCount: number } {
    this.#planted = planted;
    this.#textCount = 0;
    const isStream = /^(client|bidi)_streaming$/.test(method.methodKind);
    const variants = isStream ? Math.max(1, ...method.input.oneofs.map((o) => o.fields.length)) : 1;
    const messages = Array.from({ length: variants }, (_, variant) =>
      create(method.input, this.#fields(method.input, variant, 0)),
    );
    return { messages, textCount: this.#textCount };
  }

  #fields(message: DescMessage, variant: number, depth: number): Record<string, unknown> {
    if (message.typeName === "gitaly.User") return { ...DRILL_USER, ...this.#texts(message) };
    const fields: Record<string, unknown> = {};
    for (const field of message.fields) {
      if (field.oneof !== undefined) {
        const chosen = field.oneof.fields[variant % field.oneof.fields.length];
        if (chosen !== field) continue;
        fields[field.oneof.localName] = { case: field.localName, value: this.#value(field, depth) };
      } else {
        fields[field.localName] = this.#value(field, depth);
      }
    }
    return message.typeName === "gitaly.Repository" ? { ...fields, ...fixed(fields) } : fields;
  }

  /** Only what is planted in it. */
  #texts(message: DescMessage): Record<string, unknown> {
    const usual = new Map<string, unknown>(Object.entries(DRILL_USER));
    const texts = message.fields.filter((field) => field.fieldKind === "scalar" && isText(field));
    return Object.fromEntries(
      texts.map((field) => {
        const given = usual.get(field.localName);
        const text = Buffer.isBuffer(given) ? given.toString() : given;
        return [field.localName, this.#text(field, typeof text === "string" ? text : "")];
      }),
    );
  }

  #value(field: DescField, depth: number): unknown {
    switch (field.fieldKind) {
      case "message":
        return this.#message(field.message, depth);
      case "list":
        return this.#list(field, depth);
      case "scalar":
        return this.#scalar(field);
      case "enum":
        return field.enum.values.at(-1)?.number ?? 0;
      case "map":
        return {};
    }
  }

  #list(field: DescField & { fieldKind: "list" }, depth: number): unknown[] {
    if (field.listKind === "message") {
      const message = this.#message(field.message, depth);
      return message === undefined ? [] : [message];
    }
    return field.listKind === "scalar" && isText(field) ? [this.#text(field)] : [];
  }

  #message(message: DescMessage, depth: number): Record<string, unknown> | undefined {
    if (depth >= DEPTH_MAX) return undefined;
    if (!message.typeName.startsWith("gitaly.")) return {};
    return this.#fields(message, 0, depth + 1);
  }

  #scalar(field: DescField): unknown {
    if (isText(field)) return this.#text(field);
    switch (field.scalar) {
      case ScalarType.BOOL:
        return false;
      case ScalarType.INT64:
      case ScalarType.UINT64:
        return 10n;
      default:
        return 10;
    }
  }

  #text(field: DescField, given = this.#plausible(field.name)): string | Buffer {
    const index = this.#textCount++;
    const value = this.#planted?.index === index ? this.#planted.value : given;
    return field.scalar === ScalarType.BYTES ? Buffer.from(value) : value;
  }

  #plausible(name: string): string {
    if (/object_directory|object_directories|config|header|authorization|host/.test(name))
      return "";
    if (/oid|sha|commit|revision|start_point|left|right|treeish|target|range/.test(name)) {
      return this.#oid;
    }
    if (/branch/.test(name)) return "main";
    if (/ref/.test(name)) return "refs/heads/main";
    if (/path|file/.test(name)) return "file-1";
    if (/url|address|remote/.test(name)) return "http://127.0.0.1:1/none.git";
    return "text";
  }
}

/** The drills' repository, but for what is planted in it. */
function fixed(fields: Record<string, unknown>): Record<string, unknown> {
  const replaced: Record<string, string> = {
    storageName: DRILL_REPOSITORY.storageName,
    relativePath: DRILL_REPOSITORY.relativePath,
    glRepository: DRILL_REPOSITORY.glRepository,
  };
  const usual = new Set(["text", "file-1"]);
  return {
    gitObjectDirectory: keepPlanted(fields["gitObjectDirectory"], usual, ""),
    gitAlternateObjectDirectories: [],
    ...Object.fromEntries(
      Object.entries(replaced).map(([name, value]) => [
        name,
        keepPlanted(fields[name], usual, value),
      ]),
    ),
  };
}

function keepPlanted(value: unknown, usual: ReadonlySet<string>, replacement: string): string {
  return typeof value === "string" && value !== "" && !usual.has(value) ? value : replacement;
}

function isText(field: DescField): boolean {
  return field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
}

/** How a call is made that isn't to run to its end. */
export interface CutCall {
  readonly options?: CallOptions;
  /** Called with the first reply. */
  readonly onReply?: () => void;
  /** Keeps the stream of requests open until it is resolved. */
  readonly until?: Promise<void>;
}

/** Calls an RPC, reads some of the replies; tells the status, `ok` if it has none. */
export async function callMethod(
  channel: Channel,
  method: DescMethod,
  messages: readonly Message[],
  cut: CutCall = {},
): Promise<string> {
  try {
    await makeCall(channel, method, messages, cut);
    return "ok";
  } catch (error) {
    return error instanceof CallError ? error.kind : "failed";
  }
}

/** Calls an RPC, reads some of the replies; rejects with the status if it has one. */
export async function makeCall(
  channel: Channel,
  method: DescMethod,
  messages: readonly Message[],
  { options, onReply, until }: CutCall = {},
): Promise<void> {
  const functions = new Map<string, unknown>(Object.entries(createClient(method.parent, channel)));
  const call = functions.get(method.localName);
  if (typeof call !== "function") throw new Error(`no function for ${method.name}`);
  const isStream = /^(client|bidi)_streaming$/.test(method.methodKind);
  const requests = async function* () {
    yield* messages;
    await until;
  };
  const answer: unknown = call(
    isStream ? requests() : messages[0],
    options ?? { timeoutMs: CALL_TIMEOUT_MS },
  );
  if (isIterable(answer)) await readSome(answer, onReply);
  else await answer;
}

async function readSome(
  replies: AsyncIterable<unknown>,
  onReply: (() => void) | undefined,
): Promise<void> {
  let count = 0;
  for await (const _ of replies) {
    if (++count === 1) onReply?.();
    if (count === REPLIES_MAX) return;
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
