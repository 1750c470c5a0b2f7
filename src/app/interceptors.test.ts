import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { untilAborted } from "../base/abort/until-aborted.ts";
import { createLogger } from "../base/log/create-logger.ts";
import { MetricRegistry } from "../base/metric/metric-registry.ts";
import { Health } from "../proto/grpc/health/v1/health_pb.ts";
import { RefService } from "../proto/ref_pb.ts";
import { type Channel, type DialOptions, dial } from "../rpc/client/channel.ts";
import { createClient } from "../rpc/client/client.ts";
import { serve } from "../rpc/handler.ts";
import { RpcLimits } from "../rpc/interceptor/limit/rpc-limits.ts";
import { listen } from "../rpc/listener/listener.ts";
import { aborted, notFound } from "../rpc/rpc-error.ts";
import { GrpcServer } from "../rpc/server/grpc-server.ts";
import { healthService } from "../services/health/server.ts";
import { temporaryDirectory } from "../testing/git-repository.ts";
import { CONFIG_DEFAULTS } from "./config/config.ts";
import { CONCURRENCY_DEFAULTS } from "./config/section/concurrency.ts";
import { buildInterceptors } from "./interceptors.ts";

interface Server {
  readonly metrics: MetricRegistry;
  /** The parsed log lines; complete once the server is closed. */
  readonly log: readonly Record<string, unknown>[];
  dial(options?: DialOptions): Channel;
  close(): Promise<void>;
}

const REF_EXISTS_LIMIT = {
  ...CONCURRENCY_DEFAULTS,
  rpc: "/gitaly.RefService/RefExists",
  maxPerRepo: 1,
  maxQueueSize: 1,
};

const SERVICES = [
  healthService(),
  serve(RefService, {
    refExists: async ({ ref }, { signal }) => {
      if (Buffer.from(ref).toString() === "busy") throw aborted("ref is locked");
      if (Buffer.from(ref).toString() === "slow") await untilAborted(signal);
      return { value: true };
    },
    async *listRefs() {
      yield {};
      throw notFound("repository not found");
    },
  }),
];

/** A server with all interceptors that knows the secret "secret". */
async function startServer(t: TestContext): Promise<Server> {
  const metrics = new MetricRegistry();
  const log: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    const fields: Record<string, unknown> = JSON.parse(line);
    log.push(fields);
  };
  const destination = { write, close: async () => undefined };
  const logger = createLogger({ format: "json", level: "info", destination });
  const config = {
    ...CONFIG_DEFAULTS,
    auth: { ...CONFIG_DEFAULTS.auth, resolvedToken: "secret" },
  };
  const limits = new RpcLimits({ concurrency: [REF_EXISTS_LIMIT], metrics, latencyBuckets: [] });
  const interceptors = buildInterceptors({
    config,
    services: SERVICES,
    limits,
    metrics,
    logger,
    environment: {},
  });
  const server = new GrpcServer({ services: SERVICES, interceptors });
  const path = join(temporaryDirectory(t), "socket");
  const onConnection = server.accept.bind(server);
  const listener = await listen({ kind: "unix", path }, { onConnection, log: logger });
  const channels: Channel[] = [];
  const close = async (): Promise<void> => {
    listener.stopAccepting();
    for (const channel of channels) await channel.close();
    await server.close(1000);
    await listener.close();
  };
  const dialHere = (options?: DialOptions): Channel => {
    const channel = dial(`unix:${path}`, options);
    channels.push(channel);
    return channel;
  };
  return { metrics, log, close, dial: dialHere };
}

test("a call is authenticated, counted and logged under one correlation id", async (t) => {
  const server = await startServer(t);
  const client = createClient(RefService, server.dial({ token: "secret" }));
  const repository = { storageName: "default", relativePath: "a.git" };
  const metadata = { "x-gitlab-correlation-id": "abc", client_name: "test" };
  assert.equal((await client.refExists({ repository }, { metadata })).value, true);
  await server.close();
  const [line, ...more] = server.log;
  assert.deepEqual(more, []);
  assert.deepEqual(
    ["msg", "level", "correlation_id", "grpc.request.repoPath", "grpc.meta.auth_version"].map(
      (key) => line?.[key],
    ),
    ["finished unary call with code OK", "info", "abc", "a.git", "v2"],
  );
  assert.ok(Number(line?.["grpc.request.payload_bytes"]) > 0);
  const text = server.metrics.render();
  for (const pattern of [
    /^grpc_server_handled_total\{.*"RefExists",grpc_code="OK"\} 1$/m,
    /^gitaly_service_client_requests_total\{client_name="test",.*\} 1$/m,
    /^gitaly_authentications_total\{enforced="true",status="ok"\} 1$/m,
  ]) {
    assert.match(text, pattern);
  }
});

test("a refused call is logged with the reason and a new correlation id", async (t) => {
  const server = await startServer(t);
  const client = createClient(RefService, server.dial());
  await assert.rejects(client.refExists({}), {
    kind: "unauthenticated",
    message: "authentication required",
  });
  const impostor = createClient(RefService, server.dial({ token: "wrong" }));
  await assert.rejects(impostor.refExists({}), {
    kind: "permission-denied",
    message: "permission denied: wrong hmac signature",
  });
  await server.close();
  assert.deepEqual(
    server.log.map(({ msg, level, error }) => [msg, level, error]),
    [
      ["finished unary call with code Unauthenticated", "info", "authentication required"],
      [
        "finished unary call with code PermissionDenied",
        "warning",
        "permission denied: wrong hmac signature",
      ],
    ],
  );
  assert.match(String(server.log[0]?.["correlation_id"]), /^[0-9A-Z]{26}$/);
});

test("failures of handlers reach client and log", async (t) => {
  const server = await startServer(t);
  const client = createClient(RefService, server.dial({ token: "secret" }));
  await assert.rejects(client.refExists({ ref: Buffer.from("busy") }), {
    kind: "aborted",
    message: "The operation could not be completed. Please try again.",
  });
  const replies = client.listRefs({});
  assert.equal((await replies.next()).done, false);
  await assert.rejects(replies.next(), { kind: "not-found" });
  await server.close();
  assert.deepEqual(
    server.log.map(({ msg, error_metadata }) => [msg, error_metadata]),
    [
      ["finished unary call with code Aborted", { error_details: "ref is locked" }],
      ["finished streaming call with code NotFound", undefined],
    ],
  );
  assert.match(server.metrics.render(), /^grpc_server_msg_sent_total\{.*"ListRefs"\} 1$/m);
});

test("a health check needs no token and leaves no line", async (t) => {
  const server = await startServer(t);
  const reply = await createClient(Health, server.dial()).check({});
  assert.equal(reply.status, 1);
  await server.close();
  assert.deepEqual(server.log, []);
});

test("calls beyond the configured limit are refused", async (t) => {
  const server = await startServer(t);
  const client = createClient(RefService, server.dial({ token: "secret" }));
  const repository = { storageName: "default", relativePath: "a.git" };
  const gone = new AbortController();
  const slow = { repository, ref: Buffer.from("slow") };
  const endings = [0, 1, 2].map(() => client.refExists(slow, { signal: gone.signal }));
  await assert.rejects(Promise.race(endings), {
    kind: "resource-exhausted",
    message: "maximum queue size reached",
  });
  gone.abort();
  await Promise.allSettled(endings);
  await server.close();
  assert.match(server.metrics.render(), /^gitaly_requests_dropped_total\{.*"max_size".*\} 1$/m);
});
