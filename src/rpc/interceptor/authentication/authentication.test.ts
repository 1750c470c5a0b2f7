import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { Health } from "../../../proto/grpc/health/v1/health_pb.ts";
import { RefService } from "../../../proto/ref_pb.ts";
import { testCall } from "../../../testing/server-call.ts";
import { authorizationHeader } from "../../client/token.ts";
import { authenticate } from "./authentication.ts";

const NOW_MS = Date.UTC(2026, 4, 30, 18, 8, 3, 500);
const NOW_SECONDS = Math.floor(NOW_MS / 1000);

interface Options {
  readonly token?: string;
  readonly transitioning?: boolean;
  readonly authorization?: string | readonly string[];
}

interface Outcome {
  /** `ok`, or kind and message of the refusal. */
  readonly result: string;
  readonly metrics: readonly string[];
}

async function attempt(options: Options): Promise<Outcome> {
  const { token = "secret", transitioning = false, authorization } = options;
  const metrics = new MetricRegistry();
  const call = testCall(RefService.method.refExists, {
    startedAtMs: NOW_MS,
    metadata: authorization === undefined ? {} : { authorization },
  });
  const interceptor = authenticate({ token, transitioning, metrics });
  const result = await interceptor(call, async () => undefined).then(
    () => "ok",
    (error: unknown) => describe(error),
  );
  const lines = metrics.render().split("\n");
  return { result, metrics: lines.filter((line) => /^gitaly/.test(line)) };
}

function describe(error: unknown): string {
  assert.ok(error instanceof Error && "kind" in error);
  return `${String(error.kind)}: ${error.message}`;
}

function sign(message: string, secret = "secret"): string {
  const signature = createHmac("sha256", secret).update(message).digest("hex");
  return `Bearer v2.${signature}.${message}`;
}

function attempts(status: string, enforced = true): string {
  return `gitaly_authentications_total{enforced="${enforced}",status="${status}"} 1`;
}

function errors(error: string): string {
  return `gitaly_authentication_errors_total{version="v2",error="${error}"} 1`;
}

const DENIED = "permission-denied: permission denied: ";

const CASES: readonly (readonly [what: string, options: Options, outcome: Outcome])[] = [
  [
    "no token is configured",
    { token: "" },
    { result: "ok", metrics: [attempts("server disabled authentication")] },
  ],
  [
    "the token is good",
    { authorization: authorizationHeader("secret", NOW_MS) },
    { result: "ok", metrics: [attempts("ok")] },
  ],
  [
    "the scheme is written otherwise",
    { authorization: sign(`${NOW_SECONDS}`).replace("Bearer", "bEARER") },
    { result: "ok", metrics: [attempts("ok")] },
  ],
  [
    "the token is almost too old",
    { authorization: sign(`${NOW_SECONDS - 29}`) },
    { result: "ok", metrics: [attempts("ok")] },
  ],
  [
    "the token is almost too young",
    { authorization: sign(`${NOW_SECONDS + 30}`) },
    { result: "ok", metrics: [attempts("ok")] },
  ],
  [
    "there is no token",
    {},
    {
      result: "unauthenticated: authentication required",
      metrics: [attempts("unauthenticated")],
    },
  ],
  [
    "the token has expired",
    { authorization: sign(`${NOW_SECONDS - 30}`) },
    {
      result: `${DENIED}token has expired`,
      metrics: [errors("token has expired"), attempts("denied")],
    },
  ],
  [
    "the token is from the future",
    { authorization: sign(`${NOW_SECONDS + 31}`) },
    {
      result: `${DENIED}token's validity window is in future`,
      metrics: [errors("token's validity window is in future"), attempts("denied")],
    },
  ],
  [
    "the secret is another",
    { authorization: sign(`${NOW_SECONDS}`, "wrong") },
    {
      result: `${DENIED}wrong hmac signature`,
      metrics: [errors("wrong hmac signature"), attempts("denied")],
    },
  ],
  [
    "the signature is cut short",
    { authorization: `Bearer v2.abcd.${NOW_SECONDS}` },
    {
      result: `${DENIED}wrong hmac signature`,
      metrics: [errors("wrong hmac signature"), attempts("denied")],
    },
  ],
  [
    "the version is another",
    { authorization: sign(`${NOW_SECONDS}`).replace("v2", "v3") },
    { result: `${DENIED}invalid token version`, metrics: [attempts("denied")] },
  ],
  [
    "the time is no number",
    { authorization: sign("no time") },
    {
      result: `${DENIED}cannot parse timestamp: strconv.ParseInt: parsing "no time": invalid syntax`,
      metrics: [errors("cannot parse timestamp"), attempts("denied")],
    },
  ],
  [
    "the time is too large a number",
    { authorization: sign("9223372036854775808") },
    {
      result: `${DENIED}cannot parse timestamp: strconv.ParseInt: parsing "9223372036854775808": value out of range`,
      metrics: [errors("cannot parse timestamp"), attempts("denied")],
    },
  ],
  [
    "nobody is turned away while transitioning",
    { transitioning: true },
    { result: "ok", metrics: [attempts("unauthenticated", false)] },
  ],
  [
    "a good token is told apart while transitioning",
    { transitioning: true, authorization: sign(`${NOW_SECONDS}`) },
    { result: "ok", metrics: [attempts("would be ok", false)] },
  ],
];

for (const [what, options, outcome] of CASES) {
  test(`authenticate when ${what}`, async () => {
    assert.deepEqual(await attempt(options), outcome);
  });
}

for (const authorization of [
  "",
  "Bearer",
  "Basic abc",
  "Bearer v2",
  "Bearer v2.00",
  "Bearer v2.0.1",
  "Bearer v2.xx.1",
  ["Bearer nothing", sign(`${NOW_SECONDS}`)],
]) {
  test(`${JSON.stringify(authorization)} is no token`, async () => {
    const { result } = await attempt({ authorization });
    assert.equal(result, "unauthenticated: authentication required");
  });
}

test("the same token is checked anew each time", async () => {
  const metrics = new MetricRegistry();
  const interceptor = authenticate({ token: "secret", transitioning: false, metrics });
  const metadata = { authorization: sign(`${NOW_SECONDS}`) };
  const forged = { authorization: sign(`${NOW_SECONDS}`, "wrong") };
  const run = (startedAtMs: number, sent: typeof metadata): Promise<void> =>
    interceptor(
      testCall(RefService.method.refExists, { startedAtMs, metadata: sent }),
      async () => undefined,
    );
  await run(NOW_MS, metadata);
  await run(NOW_MS, metadata);
  await assert.rejects(run(NOW_MS, forged), { message: /wrong hmac signature/ });
  await assert.rejects(run(NOW_MS + 31_000, metadata), { message: /token has expired/ });
});

test("health checks need no token and aren't counted", async () => {
  const metrics = new MetricRegistry();
  const interceptor = authenticate({ token: "secret", transitioning: false, metrics });
  await interceptor(testCall(Health.method.check), async () => undefined);
  assert.equal(metrics.render(), "");
});
