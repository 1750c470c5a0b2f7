import { DomainError } from "../../base/error/domain-error.ts";

/** On whose behalf GitLab is asked. */
export interface AccessCaller {
  readonly correlationId: string;
  /** Empty when not known. */
  readonly remoteIp: string;
  readonly signal: AbortSignal;
}

/** What GitLab has to know to allow or refuse a push. */
export interface AccessRequest {
  /** Absolute path of the repository. */
  readonly repositoryPath: string;
  readonly relativePath: string;
  /** Path of the quarantine relative to the repository; empty without one. */
  readonly objectDirectory: string;
  /** Undefined without a quarantine. */
  readonly alternateObjectDirectories: readonly string[] | undefined;
  readonly glRepository: string;
  readonly userId: string;
  readonly protocol: string;
  readonly changes: Uint8Array;
  readonly pushOptions: readonly string[];
  readonly clientContext: Uint8Array | undefined;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  /** Why not. */
  readonly message: string;
}

/** What GitLab has to know of a push that is done. */
export interface PushReport {
  readonly glRepository: string;
  readonly userId: string;
  readonly changes: Uint8Array;
  readonly pushOptions: readonly string[];
  readonly clientContext: Uint8Array | undefined;
}

/** A text of GitLab for the one who pushed. */
export interface PostReceiveMessage {
  /** `basic` or `alert`. */
  readonly type: string;
  readonly message: string;
}

export interface PushReportAnswer {
  readonly referenceCounterDecreased: boolean;
  readonly messages: readonly PostReceiveMessage[];
}

/** Decides about pushes. A call that fails throws an error whose message the pusher may see. */
export interface AccessCheck {
  /** True where everything is allowed and nobody is asked, so that hooks may be left out. */
  readonly grantsAll: boolean;
  /** Says whether the changes may be made. */
  allowed(request: AccessRequest, caller: AccessCaller): Promise<AccessAnswer>;
  /** Counts a push that begins; false when it can't be counted. */
  preReceive(glRepository: string, caller: AccessCaller): Promise<boolean>;
  /** Counts a push that has ended, and tells what to show the pusher. */
  postReceive(report: PushReport, caller: AccessCaller): Promise<PushReportAnswer>;
}

/** GitLab is asked too often. */
export class RateLimitedError extends DomainError {
  constructor() {
    super("resource-exhausted", "rate limited");
  }
}

/** Allows everything: for servers that stand alone. */
export const openAccess: AccessCheck = {
  grantsAll: true,
  allowed: () => Promise.resolve({ allowed: true, message: "" }),
  preReceive: () => Promise.resolve(true),
  postReceive: () => Promise.resolve({ referenceCounterDecreased: true, messages: [] }),
};
