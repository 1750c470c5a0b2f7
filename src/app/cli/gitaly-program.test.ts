import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createLogger } from "../../base/log/create-logger.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import type { InternalApiInfo } from "./check-command.ts";
import type { Terminal } from "./command.ts";
import { type GitalyProgramNeeds, gitalyProgram } from "./gitaly-program.ts";
import { runProgram } from "./run-program.ts";

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly log: readonly string[];
}

interface Options extends Partial<GitalyProgramNeeds> {
  readonly stdin?: string;
}

async function run(argv: readonly string[], options: Options = {}): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const log: string[] = [];
  const terminal: Terminal = {
    stdin: inputOf(options.stdin ?? ""),
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    environment: {},
    signal: new AbortController().signal,
    now: () => new Date(2026, 0, 2, 3, 4, 5),
  };
  const destination = {
    write: (line: string) => log.push(line.replace(/^time="[^"]*" /, "").trimEnd()),
    close: async () => undefined,
  };
  const program = gitalyProgram({
    version: "1.2.3",
    openLogger: ({ logging: { format, level } }) => ({
      logger: createLogger({ format, level, destination }),
      [Symbol.asyncDispose]: async () => {
        log.push("closed");
      },
    }),
    serve: async () => undefined,
    checkInternalApi: () => Promise.reject(new Error("nobody answers")),
    ...options,
  });
  const exitCode = await runProgram(program, "Gitaly, version 1.2.3", argv, terminal);
  return { exitCode, stdout, stderr, log };
}

async function* inputOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function writeConfig(t: TestContext, addition = ""): string {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "storage"));
  writeFileSync(join(folder, "secret"), "x");
  const path = join(folder, "config.toml");
  writeFileSync(
    path,
    `socket_path = "${folder}/socket"
     bin_dir = "${folder}"
     [gitlab]
     url = "http://gitlab.example"
     secret_file = "${folder}/secret"
     [[storage]]
     name = "default"
     path = "${folder}/storage"
     ${addition}`,
  );
  return path;
}

test("gitaly serve runs the server with the configuration and says so in the log", async (t) => {
  const served: string[] = [];
  const outcome = await run(["serve", writeConfig(t)], {
    serve: async (config) => {
      served.push(...config.storages.map(({ name }) => name));
    },
  });
  assert.deepEqual(served, ["default"]);
  assert.deepEqual(outcome, {
    exitCode: 0,
    stdout: "",
    stderr: "",
    log: [
      'level=info msg="Starting Gitaly" version=1.2.3',
      'level=info msg="Gitaly shutdown"',
      "closed",
    ],
  });
});

test("gitaly CONFIG serves as well", async (t) => {
  const { exitCode, log } = await run([writeConfig(t)]);
  assert.equal(exitCode, 0);
  assert.equal(log.length, 3);
});

test("a server that fails ends with 1 and the reason in the log", async (t) => {
  const { exitCode, log } = await run(["serve", writeConfig(t)], {
    serve: () => Promise.reject(new Error("address in use")),
  });
  assert.equal(exitCode, 1);
  assert.deepEqual(log.slice(1), [
    'level=error msg="unclean Gitaly shutdown" error="address in use"',
    "closed",
  ]);
});

test("problems that don't prevent a start are warned of", async (t) => {
  const path = writeConfig(
    t,
    "[auth]\ntoken = 'x'\ntransitioning = true\n[backup]\ngo_cloud_url = ':'",
  );
  const { log } = await run(["serve", path]);
  assert.match(log[0] ?? "", /level=info .*problems="\[backup\.go_cloud_url: parse/);
  assert.match(log[1] ?? "", /level=warning .*transitioning/);
});

test("without exactly one configuration file, serving shows the help and ends with 2", async () => {
  for (const argv of [[], ["serve"], ["serve", "a", "b"], ["a", "b"], ["serve", ""]]) {
    const { exitCode, stdout, stderr } = await run(argv);
    assert.equal(exitCode, 2);
    assert.match(stdout, /^NAME:\n {3}gitaly/);
    assert.equal(stderr, "");
  }
});

test("a configuration that can't be used ends serving with 1 and one line", async (t) => {
  const { exitCode, stderr } = await run(["serve", "/does/not/exist"]);
  assert.equal(exitCode, 1);
  assert.equal(
    stderr,
    'failed to configure Gitaly: load config: config_path "/does/not/exist": open /does/not/exist: no such file or directory\n',
  );
  const path = writeConfig(t, "[logging]\nformat = 'xml'");
  assert.equal(
    (await run(["serve", path])).stderr,
    'failed to configure Gitaly: configuring logger failed: configuring logger: invalid logger format "xml"\n',
  );
});

test("gitaly configuration validate prints every problem as JSON and ends with 2", async () => {
  const { exitCode, stdout, stderr } = await run(["configuration", "validate"], {
    stdin: "socket_path = 'x'\n[gitlab]\nurl = 'http://a<b'\nsecret = 'x'",
  });
  assert.equal(exitCode, 2);
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    `{
  "errors": [
    {
      "key": [
        "bin_dir"
      ],
      "message": "doesn't exist: \\"\\""
    },
    {
      "key": [
        "storage"
      ],
      "message": "not set"
    }
  ]
}
`,
  );
});

test("gitaly configuration validate tells the place of a mistake in the document", async () => {
  const { exitCode, stdout } = await run(["configuration", "validate"], {
    stdin: 'graceful_restart_timeout = "<>"',
  });
  assert.equal(exitCode, 2);
  assert.equal(
    stdout,
    `{
  "errors": [
    {
      "message": "line 1 column 28: toml: time: invalid duration \\"\\u003c\\u003e\\""
    }
  ]
}
`,
  );
});

test("gitaly configuration validate ends with 1 when the configuration can't be read", async () => {
  const { exitCode, stdout, stderr } = await run(["configuration", "validate"], {
    stdin: "[auth]\ntoken_file = '/does/not/exist'",
  });
  assert.equal(exitCode, 1);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    "processing input data: reading token file: open /does/not/exist: no such file or directory",
  );
});

test("gitaly configuration validate says nothing of a configuration in order", async (t) => {
  const { exitCode, stdout } = await run(["configuration", "validate"], {
    stdin: `config_command = ""\nsocket_path = 'x'\nbin_dir = '/'\n[gitlab]\nurl = 'x'\nsecret = 'x'\n[[storage]]\nname = 'a'\npath = '${temporaryDirectory(t)}'`,
  });
  assert.equal(stdout, "");
  assert.equal(exitCode, 0);
});

test("gitaly check reports what the internal API says", async (t) => {
  const info: InternalApiInfo = {
    version: "19.1.0",
    revision: "abc",
    apiVersion: "v4",
    isRedisReachable: true,
  };
  const { exitCode, stdout } = await run(["check", writeConfig(t)], {
    checkInternalApi: async () => info,
  });
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    `Checking GitLab API access: OK
GitLab version: 19.1.0
GitLab revision: abc
GitLab Api version: v4
Redis reachable for GitLab: true
OK
`,
  );
});

test("gitaly check fails with the reason", async (t) => {
  const { exitCode, stdout, stderr } = await run(["check", writeConfig(t)]);
  assert.equal(exitCode, 1);
  assert.equal(stdout, "Checking GitLab API access: FAILED\n");
  assert.equal(stderr, "2026/01/02 03:04:05 nobody answers\n");
});

test("gitaly check needs exactly one configuration file that can be used", async () => {
  const none = await run(["check"]);
  assert.equal(none.exitCode, 2);
  assert.match(none.stdout, /^NAME:\n {3}gitaly check/);
  assert.equal(none.stderr, "error: invalid argument(s)\n");
  const missing = await run(["check", "x.toml"]);
  assert.equal(missing.exitCode, 1);
  assert.match(
    missing.stderr,
    / loading configuration "x\.toml": open x\.toml: no such file or directory\n$/,
  );
});
