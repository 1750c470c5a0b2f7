import type { OutgoingMetadata, ResponseMetadata } from "./metadata.ts";

/** What a call may bring along beside its request. */
export interface CallOptions {
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: OutgoingMetadata | undefined;
  /** The deadline from now; the server learns of it. */
  readonly timeoutMs?: number | undefined;
  /** Hears the metadata that comes ahead of the first reply. */
  readonly onHeader?: ((header: ResponseMetadata) => void) | undefined;
  /** Hears the metadata that comes with the status. */
  readonly onTrailer?: ((trailer: ResponseMetadata) => void) | undefined;
}
