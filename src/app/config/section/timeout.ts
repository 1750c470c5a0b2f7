import { duration, type Fields } from "../shape.ts";

/** `[timeout]`: how long a git client may take to say what it wants. */
export interface TimeoutSettings {
  readonly uploadPackNegotiationMs: number;
  readonly uploadArchiveNegotiationMs: number;
}

export const TIMEOUT_DEFAULTS: TimeoutSettings = {
  uploadPackNegotiationMs: 0,
  uploadArchiveNegotiationMs: 0,
};

export const TIMEOUT_FIELDS: Fields<TimeoutSettings> = {
  uploadPackNegotiationMs: duration("upload_pack_negotiation"),
  uploadArchiveNegotiationMs: duration("upload_archive_negotiation"),
};

/** Ten minutes for a fetch, one for an archive. */
export function completeTimeouts(timeout: TimeoutSettings): TimeoutSettings {
  return {
    uploadPackNegotiationMs: timeout.uploadPackNegotiationMs || 10 * 60 * 1000,
    uploadArchiveNegotiationMs: timeout.uploadArchiveNegotiationMs || 60 * 1000,
  };
}
