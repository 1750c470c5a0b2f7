import { type DescField, type DescMessage, hasOption, type Message } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import type { FieldOptions } from "@bufbuild/protobuf/wkt";

/** Reads one value out of a message; undefined when it isn't set. */
export type Reader = (message: Message) => unknown;

/** Messages nest no deeper than this before what an interceptor looks for. */
const DEPTH_MAX = 4;

/**
 * Finds the fields of a request, nested ones included, that carry `option`.
 *
 * The descriptor is searched once; the reader that is returned only follows the paths found. It
 * gives undefined unless exactly one of them leads to a value.
 */
export function findMarkedField(
  request: DescMessage,
  option: GenExtension<FieldOptions, boolean>,
): Reader | undefined {
  const readers = markedFields(request, option, DEPTH_MAX);
  const [only] = readers;
  if (readers.length <= 1) return only;
  return (message) => {
    const values = readers.map((read) => read(message)).filter((value) => value !== undefined);
    return values.length === 1 ? values[0] : undefined;
  };
}

function markedFields(
  desc: DescMessage,
  option: GenExtension<FieldOptions, boolean>,
  depth: number,
): readonly Reader[] {
  if (depth === 0) return [];
  return desc.fields.flatMap((field) => {
    const read = fieldReader(field);
    if (hasOption(field, option)) return [read];
    if (field.fieldKind !== "message") return [];
    const inner = markedFields(field.message, option, depth - 1);
    return inner.map((next) => (message: Message) => {
      const value = read(message);
      return isMessageLike(value) ? next(value) : undefined;
    });
  });
}

/** Reads a field, whether it is a plain one or a member of a oneof. */
export function fieldReader(field: DescField): Reader {
  const { localName, oneof } = field;
  if (oneof === undefined) return (message) => Reflect.get(message, localName);
  const oneofName = oneof.localName;
  return (message) => {
    const chosen: unknown = Reflect.get(message, oneofName);
    return isChoice(chosen) && chosen.case === localName ? chosen.value : undefined;
  };
}

interface Choice {
  readonly case: unknown;
  readonly value: unknown;
}

function isChoice(value: unknown): value is Choice {
  return typeof value === "object" && value !== null && "case" in value && "value" in value;
}

function isMessageLike(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "$typeName" in value;
}
