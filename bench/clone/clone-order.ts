/** The RPC that a clone goes through. */
export type CloneKind = "http" | "ssh";

/** What the cloning process is told to do. */
export interface CloneOrder {
  readonly kind: CloneKind;
  readonly storageName: string;
  readonly relativePath: string;
  /** The client's side of the protocol, in base64. */
  readonly request: string;
  /** Clones at one time. */
  readonly count: number;
}

/** What it answers. */
export interface CloneAnswer {
  readonly bytes: number;
  readonly wallMs: number;
  /** Of the cloning process. */
  readonly cpuMicroseconds: number;
  readonly error: string | undefined;
}
