import type { DescMessage } from "@bufbuild/protobuf";

/**
 * A reply whose handler has encoded it by itself, for long lists of which message objects would
 * cost too much.
 *
 * Nothing checks the bytes: they have to be what the protocol's encoding makes of a message of this
 * kind. Those that are empty are a message without any field.
 */
export class EncodedReply<Desc extends DescMessage> {
  /** What the bytes are a message of; the server refuses that of another method. */
  readonly schema: Desc;
  readonly bytes: Buffer;

  constructor(schema: Desc, bytes: Buffer) {
    this.schema = schema;
    this.bytes = bytes;
  }
}
