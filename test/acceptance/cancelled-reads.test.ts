import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { CallOptions } from "../../src/rpc/client/call-options.ts";
import { MethodCatalog } from "../../src/rpc/interceptor/request-info/method-catalog.ts";
import { changeFiles } from "../../src/testing/change-files.ts";
import { eventually, gitProcesses } from "../../src/testing/processes.ts";
import { storageContents } from "../../src/testing/storage-contents.ts";
import { startTestServer, type TestServer } from "../../src/testing/test-server.ts";
import { type CutCall, callMethod, DRILLED_METHODS, RequestMaker } from "../drills/every-rpc.ts";
import { DRILL_REPOSITORY } from "../drills/write-load.ts";

const PATIENCE_MS = 60_000;

const CATALOG = new MethodCatalog();
const READS = DRILLED_METHODS.filter((method) => CATALOG.get(method).operation === "accessor");

interface Scene {
  readonly server: TestServer;
  readonly maker: RequestMaker;
}

async function setScene(t: TestContext): Promise<Scene> {
  const server = await startTestServer(t);
  const repository = server.repository({ relativePath: DRILL_REPOSITORY.relativePath });
  let oid = "";
  for (const count of [1, 2, 3]) {
    oid = changeFiles(repository, {
      [`file-${count}`]: `content ${count}\n`,
      "file-1": `${count}`,
    });
  }
  repository.git(["repack", "-adq"]);
  return { server, maker: new RequestMaker(oid) };
}

/** Where a call is given up: how it is made, and the statuses that it may then have. */
interface Cut {
  readonly name: string;
  readonly make: () => CutCall;
  readonly status: string;
}

const CUTS: readonly Cut[] = [
  { name: "at once", make: () => cutBy((cut) => cut()), status: "cancelled" },
  {
    name: "once it is on its way",
    make: () => cutBy((cut) => setImmediate(cut)),
    status: "cancelled",
  },
  {
    name: "at the first reply",
    make: () => {
      const controller = new AbortController();
      const options: CallOptions = { signal: controller.signal };
      return { options, onReply: () => controller.abort() };
    },
    status: "cancelled",
  },
  {
    name: "while there may be more requests",
    make: () => ({
      ...cutBy((cut) => setImmediate(() => setImmediate(cut))),
      until: Promise.withResolvers<void>().promise,
    }),
    status: "cancelled",
  },
  {
    name: "by a deadline",
    make: () => ({ options: { timeoutMs: 1 } }),
    status: "deadline-exceeded",
  },
];

function cutBy(arrange: (cut: () => void) => void): CutCall {
  const controller = new AbortController();
  arrange(() => controller.abort());
  return { options: { signal: controller.signal } };
}

suite("a read that is given up ends, and leaves nothing", () => {
  for (const { name, make, status } of CUTS) {
    test(name, async (t) => {
      const { server, maker } = await setScene(t);
      const before = storageContents(server.storagePath);
      const statuses = new Map<string, number>();
      for (const method of READS) {
        const { messages } = maker.make(method);
        // Whatever the request comes to by itself, it may have come to it before the cut.
        const whole = await callMethod(server.channel, method, messages);
        const cut = await callMethod(server.channel, method, messages, make());
        assert.ok([status, whole].includes(cut), `${method.name}: ${cut}, else ${whole}`);
        statuses.set(cut, (statuses.get(cut) ?? 0) + 1);
      }
      assert.ok((statuses.get(status) ?? 0) > 0, "nothing was given up");
      await eventually("git processes end", PATIENCE_MS, () => strayProcesses().length === 0);
      assert.deepEqual(storageContents(server.storagePath), before);
      t.diagnostic(`${READS.length} methods: ${JSON.stringify([...statuses])}`);
    });
  }
});

/** The server keeps some processes that read objects. */
function strayProcesses(): string[] {
  return gitProcesses(process.pid).filter((line) => !line.includes(" cat-file "));
}
