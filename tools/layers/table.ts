/** Who may import whom. `tools/layers.ts` checks it; a reader can take it as the map of src/. */

export type Layer = {
  /** The folders under src/ that this one may import, besides itself. */
  readonly mayImport: readonly string[];
};

const BELOW_SERVICES = ["base", "proto", "git", "gitcmd", "rpc", "storage", "hooks"] as const;

const ALL_BELOW_APP = [...BELOW_SERVICES, "gitlab", "services", "router", "gateway"] as const;

export const LAYERS: Readonly<Record<string, Layer>> = {
  base: { mayImport: [] },
  proto: { mayImport: [] },
  git: { mayImport: ["base"] },
  gitcmd: { mayImport: ["base", "git"] },
  rpc: { mayImport: ["base", "proto"] },
  storage: { mayImport: ["base", "proto", "git", "gitcmd"] },
  hooks: { mayImport: ["base", "git", "gitcmd", "storage"] },
  gitlab: { mayImport: ["base", "hooks"] },
  services: { mayImport: BELOW_SERVICES },
  router: { mayImport: ["base", "proto", "rpc"] },
  gateway: { mayImport: ["base", "proto", "git", "rpc"] },
  app: { mayImport: ALL_BELOW_APP },
  bin: { mayImport: ["base", "app"] },
  testing: { mayImport: [...ALL_BELOW_APP, "app"] },
};

/** Folders whose own folders must not import each other, and which of those they may share. */
export const SIBLINGS: Readonly<Record<string, readonly string[]>> = {
  services: ["common"],
};

/** What only some folders may import. Tests, and what helps them, are free of it. */
export const SOLE_RIGHTS: Readonly<Record<string, readonly string[]>> = {
  // The configuration may name a command that prints more of it; a supervisor starts our programs.
  "node:child_process": ["gitcmd", "bin", "app/config/config-command", "app/supervisor"],
  "node:http": ["gateway", "app"],
  "node:http2": ["rpc"],
  "node:https": ["gateway", "app"],
  // For git's objects; and bodies of HTTP requests may come compressed.
  "node:zlib": ["git", "gateway/http"],
  "@grpc/grpc-js": ["rpc"],
  pg: ["router"],
  ssh2: ["gateway"],
};
