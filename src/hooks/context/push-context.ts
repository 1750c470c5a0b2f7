import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { HookName } from "./hook-name.ts";

/** Who changes refs, in the words of the protocol. */
export interface HookUser {
  /** `user-1`, `key-1` or `username-root`; custom hooks see it as `GL_ID`. */
  readonly id: string;
  /** Custom hooks see it as `GL_USERNAME`. */
  readonly username: string;
  /** `http`, `ssh` or `web`; custom hooks see it as `GL_PROTOCOL`. */
  readonly protocol: string;
  /** Where the user comes from, handed on to GitLab; empty when not known. */
  readonly remoteIp: string;
}

/** The vote over several servers that a change is part of. */
export interface HookTransaction {
  readonly id: bigint;
  /** The name that this server votes under. */
  readonly node: string;
  /** Only the primary asks GitLab and runs custom hooks. */
  readonly primary: boolean;
  /** Names the connection that votes go over. */
  readonly backchannelId: bigint;
}

/** What stays the same for all hooks of one change. */
export interface PushContext {
  /** Its object directories are those of the quarantine, when there is one already. */
  readonly repository: LocatedRepository;
  readonly objectFormat: ObjectFormat;
  /** Undefined when nobody pushes: then only reference-transaction can run. */
  readonly user: HookUser | undefined;
  readonly requestedHooks: ReadonlySet<HookName>;
  readonly transaction?: HookTransaction | undefined;
  readonly featureFlags: ReadonlyMap<string, boolean>;
  readonly correlationId: string;
  /** What the client wants GitLab to know; the server doesn't look into it. */
  readonly clientContext?: Uint8Array | undefined;
}

/** Variables of a hook's environment by name: those that git has set for it. */
export type HookEnvironment = ReadonlyMap<string, string>;

/** Where the output of hooks goes. Both wait until there is room for more. */
export interface HookOutput {
  stdout(chunk: Uint8Array): Promise<void>;
  stderr(chunk: Uint8Array): Promise<void>;
}

/** What git tells pre-receive and post-receive. */
export interface ReceiveInput {
  /** Lines `OLD SP NEW SP REF LF`, as in githooks(5). */
  readonly changes: Uint8Array;
  readonly environment: HookEnvironment;
  readonly pushOptions: readonly string[];
}

/** What git tells the update hook. */
export interface UpdateInput {
  readonly ref: Uint8Array;
  /** As it came; the hook checks that it is an object id. */
  readonly oldValue: string;
  readonly newValue: string;
  readonly environment: HookEnvironment;
}

/** How far git is with a transaction of refs; see githooks(5). */
export type ReferenceTransactionState = "preparing" | "prepared" | "committed" | "aborted";
