import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { LimitErrorSchema } from "../../proto/errors_pb.ts";
import { StatusSchema } from "../../proto/google/rpc/status_pb.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import { exists, HANGS, infoRefs, startByteServer } from "../../testing/byte-grpc-server.ts";
import { detail } from "../rpc-error.ts";
import { CallError } from "./call-error.ts";
import { createClient } from "./client.ts";
import type { ResponseMetadata } from "./metadata.ts";

const { refExists } = RefService.method;
const { createRepositoryFromBundle } = RepositoryService.method;
const { postReceivePack } = SmartHTTPService.method;

type Unary = ServerUnaryCall<Uint8Array, Uint8Array>;
type Reading = ServerReadableStream<Uint8Array, Uint8Array>;
type Writing = ServerWritableStream<Uint8Array, Uint8Array>;
type Both = ServerDuplexStream<Uint8Array, Uint8Array>;
type Answer = sendUnaryData<Uint8Array>;

test("a unary call carries the request there and the reply back", async (t) => {
  const channel = await startByteServer(t, {
    RefExists: (call: Unary, answer: Answer) => {
      const request = fromBinary(refExists.input, call.request);
      answer(null, exists(Buffer.from(request.ref).toString() === "refs/heads/main"));
    },
  });
  const client = createClient(RefService, channel);
  assert.equal((await client.refExists({ ref: Buffer.from("refs/heads/main") })).value, true);
  assert.equal((await client.refExists({ ref: Buffer.from("refs/heads/other") })).value, false);
});

test("many calls share one connection", async (t) => {
  const peers = new Set<unknown>();
  const channel = await startByteServer(t, {
    RefExists: (call: Unary, answer: Answer) => {
      peers.add(Reflect.get(Reflect.get(Reflect.get(call, "call"), "stream"), "session"));
      answer(null, exists(true));
    },
  });
  const client = createClient(RefService, channel);
  const replies = await Promise.all(Array.from({ length: 200 }, () => client.refExists({})));
  assert.equal(replies.filter(({ value }) => value).length, 200);
  assert.equal(peers.size, 1);
});

test("metadata, token and deadline reach the server; header and trailer come back", async (t) => {
  const seen: Metadata[] = [];
  const deadlines: unknown[] = [];
  const channel = await startByteServer(
    t,
    {
      RefExists: (call: Unary, answer: Answer) => {
        seen.push(call.metadata);
        deadlines.push(call.getDeadline());
        const header = new Metadata();
        header.set("x-header", "ahead");
        call.sendMetadata(header);
        const trailer = new Metadata();
        trailer.set("x-trailer-bin", Buffer.from([0, 255]));
        answer(null, exists(true), trailer);
      },
    },
    { token: "secret" },
  );
  const got: Record<string, ResponseMetadata> = {};
  await createClient(RefService, channel).refExists(
    {},
    {
      metadata: { "X-Text": "value", "x-bytes-bin": new Uint8Array([1, 2, 3]) },
      timeoutMs: 60_000,
      onHeader: (header) => Object.assign(got, { header }),
      onTrailer: (trailer) => Object.assign(got, { trailer }),
    },
  );
  assert.deepEqual(seen[0]?.get("x-text"), ["value"]);
  assert.deepEqual(seen[0]?.get("x-bytes-bin"), [Buffer.from([1, 2, 3])]);
  assert.match(String(seen[0]?.get("authorization")), /^Bearer v2\.[0-9a-f]{64}\.\d+$/);
  assert.ok(Number(deadlines[0]) > Date.now());
  assert.equal(got["header"]?.get("x-header"), "ahead");
  assert.deepEqual(got["trailer"]?.getBytes("x-trailer-bin"), [Buffer.from([0, 255])]);
});

test("a failed call throws the server's kind, message and details", async (t) => {
  const channel = await startByteServer(t, {
    RefExists: (_call: Unary, answer: Answer) => {
      const details = [detail(LimitErrorSchema, { errorMessage: "limit" })];
      const status = create(StatusSchema, { code: 14, message: "ignored", details });
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
      answer({ code: 14, details: "50 % of päckchen\nlost", metadata });
    },
  });
  const failure = await createClient(RefService, channel)
    .refExists({})
    .catch((error) => error);
  assert.ok(failure instanceof CallError);
  assert.equal(failure.kind, "unavailable");
  assert.equal(failure.message, "50 % of päckchen\nlost");
  const [first] = failure.details;
  assert.ok(first !== undefined && anyIs(first, LimitErrorSchema));
  assert.equal(anyUnpack(first, LimitErrorSchema)?.errorMessage, "limit");
});

test("a method that the server lacks is unimplemented", async (t) => {
  const channel = await startByteServer(t, HANGS);
  const client = createClient(RefService, channel);
  await assert.rejects(client.findDefaultBranchName({}), { kind: "unimplemented" });
});

test("a stream of replies arrives in order and whole", async (t) => {
  const chunks = Array.from({ length: 300 }, (_, index) => Buffer.alloc(50_000, index));
  const channel = await startByteServer(t, {
    InfoRefsUploadPack: (call: Writing) => {
      for (const chunk of chunks) call.write(infoRefs(chunk));
      call.end();
    },
  });
  const received: Buffer[] = [];
  for await (const { data } of createClient(SmartHTTPService, channel).infoRefsUploadPack({})) {
    received.push(Buffer.from(data));
  }
  assert.ok(Buffer.concat(received).equals(Buffer.concat(chunks)));
});

test("a reader that pauses holds the server back", async (t) => {
  let written = 0;
  const channel = await startByteServer(t, {
    InfoRefsUploadPack: (call: Writing) => {
      const write = (): void => {
        while (written < 200) {
          written += 1;
          if (!call.write(infoRefs(Buffer.alloc(100_000)))) return;
        }
        call.end();
      };
      call.on("drain", write);
      write();
    },
    RefExists: (_call: Unary, answer: Answer) => answer(null, exists(true)),
  });
  const replies = createClient(SmartHTTPService, channel).infoRefsUploadPack({});
  await replies.next();
  // Other calls of the connection go on meanwhile, and give the stream time to run away.
  const other = createClient(RefService, channel);
  for (let turn = 0; turn < 100; turn += 1) await other.refExists({});
  assert.ok(written < 50, `server ran ahead: ${written}`);
  let count = 1;
  for await (const reply of replies) count += reply.data.length > 0 ? 1 : 0;
  assert.equal(count, 200);
});

test("leaving the loop early cancels the call at the server", async (t) => {
  const cancelled = Promise.withResolvers<void>();
  const channel = await startByteServer(t, {
    InfoRefsUploadPack: (call: Writing) => {
      call.on("cancelled", () => cancelled.resolve());
      call.write(infoRefs(Buffer.from("first")));
    },
  });
  for await (const _ of createClient(SmartHTTPService, channel).infoRefsUploadPack({})) break;
  await cancelled.promise;
});

test("a stream that fails half-way yields what came before the failure", async (t) => {
  const channel = await startByteServer(t, {
    InfoRefsUploadPack: (call: Writing) => {
      call.write(infoRefs(Buffer.from("first")));
      call.emit("error", { code: 9, details: "out of luck" });
    },
  });
  const replies = createClient(SmartHTTPService, channel).infoRefsUploadPack({});
  assert.equal(Buffer.from((await replies.next()).value?.data ?? []).toString(), "first");
  await assert.rejects(replies.next(), { kind: "failed-precondition", message: "out of luck" });
});

test("a stream of requests is sent whole and answered once", async (t) => {
  let bytes = 0;
  const channel = await startByteServer(t, {
    CreateRepositoryFromBundle: (call: Reading, answer: Answer) => {
      call.on("data", (message: Uint8Array) => {
        bytes += fromBinary(createRepositoryFromBundle.input, message).data.length;
      });
      call.on("end", () => answer(null, new Uint8Array()));
    },
  });
  const requests = Array.from({ length: 100 }, () => ({ data: Buffer.alloc(100_000, 1) }));
  await createClient(RepositoryService, channel).createRepositoryFromBundle(requests);
  assert.equal(bytes, 10_000_000);
});

test("a buffer can be filled again once the next request is asked for", async (t) => {
  const received: Buffer[] = [];
  const channel = await startByteServer(t, {
    CreateRepositoryFromBundle: (call: Reading, answer: Answer) => {
      call.on("data", (message: Uint8Array) => {
        received.push(Buffer.from(fromBinary(createRepositoryFromBundle.input, message).data));
      });
      call.on("end", () => answer(null, new Uint8Array()));
    },
  });
  const sizes = [10, 65_535, 65_536, 200_000, 3, 1_000_000, 65_537, 100_000, 0, 131_072];
  const buffer = Buffer.alloc(1_000_000);
  function* requests(): Generator<{ data: Uint8Array }> {
    for (const [index, size] of sizes.entries())
      yield { data: buffer.fill(index).subarray(0, size) };
  }
  await createClient(RepositoryService, channel).createRepositoryFromBundle(requests());
  assert.deepEqual(
    received,
    sizes.map((size, index) => Buffer.alloc(size, index)),
  );
});

test("an early refusal ends the sending and closes the source", async (t) => {
  const channel = await startByteServer(t, {
    CreateRepositoryFromBundle: (_call: Reading, answer: Answer) => {
      answer({ code: 3, details: "empty repository" });
    },
  });
  const closed = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<{ data: Uint8Array }> {
    try {
      for (;;) yield { data: Buffer.alloc(100_000) };
    } finally {
      closed.resolve();
    }
  }
  const call = createClient(RepositoryService, channel).createRepositoryFromBundle(endless());
  await assert.rejects(call, { kind: "invalid-argument", message: "empty repository" });
  await closed.promise;
});

test("a failing source of requests cancels the call and is what the caller sees", async (t) => {
  const cancelled = Promise.withResolvers<void>();
  const channel = await startByteServer(t, {
    CreateRepositoryFromBundle: (call: Reading) => {
      call.on("cancelled", () => cancelled.resolve());
      call.resume();
    },
  });
  const broken = new Error("disk on fire");
  async function* requests(): AsyncGenerator<{ data: Uint8Array }> {
    yield { data: Buffer.from("x") };
    throw broken;
  }
  const call = createClient(RepositoryService, channel).createRepositoryFromBundle(requests());
  await assert.rejects(call, broken);
  await cancelled.promise;
});

test("both directions of a call flow at once", async (t) => {
  const channel = await startByteServer(t, {
    PostReceivePack: (call: Both) => {
      call.on("data", (message: Uint8Array) => {
        const { data } = fromBinary(postReceivePack.input, message);
        call.write(infoRefs(data));
      });
      call.on("end", () => call.end());
    },
  });
  const answers = new Map<number, PromiseWithResolvers<void>>();
  async function* turns(): AsyncGenerator<{ data: Uint8Array }> {
    for (let turn = 0; turn < 20; turn += 1) {
      const answered = Promise.withResolvers<void>();
      answers.set(turn, answered);
      yield { data: Buffer.from([turn]) };
      await answered.promise;
    }
  }
  const seen: number[] = [];
  for await (const { data } of createClient(SmartHTTPService, channel).postReceivePack(turns())) {
    seen.push(...data);
    answers.get(data[0] ?? -1)?.resolve();
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, (_, turn) => turn),
  );
});
