import { getDefaultHighWaterMark } from "node:stream";
import {
  create,
  type DescMessage,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** An encoded message in at most two pieces. */
export interface OutgoingMessage {
  readonly start: Uint8Array;
  /** The value that ends the message, if it is too large to be copied. */
  readonly rest?: Uint8Array;
}

/**
 * Bytes from which on a value isn't copied. It fills a stream by itself, so that the next request
 * isn't asked for before this one has been sent.
 */
const SHARED_BYTES_MIN = getDefaultHighWaterMark(false);

/**
 * Encodes a message. A large value that is all of the message, as with the pieces of a pack, is
 * used as it is, and mustn't change until it is sent.
 */
export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): OutgoingMessage {
  return startOfBulk(schema, init) ?? { start: toBinary(schema, create(schema, init)) };
}

function startOfBulk(schema: DescMessage, init: object): OutgoingMessage | undefined {
  const [only, ...others] = Object.entries(init);
  if (only === undefined || others.length > 0) return undefined;
  const [name, value] = only;
  if (!(value instanceof Uint8Array) || value.length < SHARED_BYTES_MIN) return undefined;
  const field = schema.field[name];
  if (field?.fieldKind !== "scalar" || field.scalar !== ScalarType.BYTES) return undefined;
  const writer = new BinaryWriter().tag(field.number, WireType.LengthDelimited);
  return { start: writer.uint32(value.length).finish(), rest: value };
}
