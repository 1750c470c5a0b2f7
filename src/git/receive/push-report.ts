import { PktLineEncoder } from "../pkt-line/pkt-line-encoder.ts";

/** What became of one reference of a push. */
export interface PushedRef {
  /** A binary string. */
  readonly name: string;
  /** Why it wasn't changed; undefined when it was. */
  readonly refusal: string | undefined;
}

/**
 * Encodes the report that a client has asked for (gitprotocol-pack, "Report Status").
 *
 * @param unpackFailure why the pack couldn't be taken; undefined when it was
 */
export function encodePushReport(
  refs: readonly PushedRef[],
  unpackFailure: string | undefined,
): Buffer {
  const encoder = new PktLineEncoder();
  encoder.line(`unpack ${unpackFailure ?? "ok"}\n`);
  for (const { name, refusal } of refs) {
    encoder.line(refusal === undefined ? `ok ${name}\n` : `ng ${name} ${refusal}\n`);
  }
  return encoder.flush().take();
}
