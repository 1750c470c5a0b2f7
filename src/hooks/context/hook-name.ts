/** The hooks that the server takes part in; names and meaning are those of githooks(5). */
export type HookName =
  | "reference-transaction"
  | "update"
  | "pre-receive"
  | "post-receive"
  | "pack-objects"
  | "proc-receive";

/** The hooks of a push. */
export const RECEIVE_PACK_HOOKS: ReadonlySet<HookName> = new Set<HookName>([
  "reference-transaction",
  "update",
  "pre-receive",
  "post-receive",
]);

/** Every hook that runs unless somebody asks for less. */
export const ALL_HOOKS: ReadonlySet<HookName> = new Set<HookName>([
  ...RECEIVE_PACK_HOOKS,
  "pack-objects",
]);
