import type { Oid } from "../oid/oid.ts";

/** One line of a push: what a reference is to become (gitprotocol-pack, "Reference Update Request"). */
export interface PushCommand {
  /** As the client has it, a binary string; nobody has checked whether it is a name. */
  readonly name: string;
  /** The zero id for a reference that isn't there. */
  readonly oldOid: Oid;
  /** The zero id for a reference that is to go. */
  readonly newOid: Oid;
}

/** What a client that pushes asks for beside its commands. */
export interface PushCapabilities {
  readonly reportStatus: boolean;
  readonly reportStatusV2: boolean;
  readonly sideband: boolean;
  readonly quiet: boolean;
  readonly atomic: boolean;
  readonly pushOptions: boolean;
}

/** Everything that a client says before its pack. */
export interface PushRequest {
  readonly commands: readonly PushCommand[];
  readonly capabilities: PushCapabilities;
  readonly options: readonly string[];
}
