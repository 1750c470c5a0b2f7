import { readFileSync } from "node:fs";

/** The version of this program, from the project's manifest. */
export function programVersion(): string {
  const manifest: { readonly version?: unknown } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return typeof manifest.version === "string" ? manifest.version : "unknown";
}
