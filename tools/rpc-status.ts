/**
 * Writes docs/rpc-status.md from the code: which methods of the protocol have a handler.
 * With `--check` it writes nothing and fails when the file differs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { Runtime } from "../src/app/runtime.ts";
import { buildServices } from "../src/app/services.ts";
import { MetricRegistry } from "../src/base/metric/metric-registry.ts";
import type { ServiceRegistration } from "../src/rpc/handler.ts";

const FILE = new URL("../docs/rpc-status.md", import.meta.url);

// Handlers only keep what they are given, but for metrics, which they register; none is called here.
const registrations = buildServices({ metrics: new MetricRegistry() } as Runtime)
  .filter(({ service }) => service.typeName.startsWith("gitaly."))
  .sort((a, b) => a.service.name.localeCompare(b.service.name));
const text = page(registrations);

if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (readFileSync(FILE, "utf8") !== text) {
  console.error("docs/rpc-status.md is out of date: run `npm run generate`");
  process.exitCode = 1;
}

function page(services: readonly ServiceRegistration[]): string {
  const methods = services.flatMap(({ service }) => service.methods).length;
  const built = services.reduce((sum, { handlers }) => sum + handlers.size, 0);
  return [
    "# State of each RPC",
    "",
    "Generated from the code by `npm run generate`; do not edit.",
    "A method that is not there yet answers `UNIMPLEMENTED` and names itself.",
    "",
    `${built} of ${methods} methods are done.`,
    "Two more services, PraefectInfoService and RefTransaction (8 methods), are offered by routers and",
    "clients; a server says that it doesn't know them.",
    ...services.flatMap(section),
    "",
  ].join("\n");
}

function section({ service, handlers }: ServiceRegistration): string[] {
  const rows = service.methods.map(
    ({ name, localName }) => `| ${name} | ${handlers.has(localName) ? "done" : "not yet"} |`,
  );
  return [
    "",
    `## ${service.name} (${handlers.size} of ${service.methods.length})`,
    "",
    "| Method | State |",
    "|---|---|",
    ...rows,
  ];
}
