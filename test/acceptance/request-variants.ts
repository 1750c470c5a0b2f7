import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** The messages of one call that differ in one point from a request that could be accepted. */
export interface RequestVariant {
  /** What is different, such as `no header.branch_name`. */
  readonly name: string;
  readonly messages: readonly Message[];
}

interface Spot {
  /** The fields' names, from the outermost; those of further messages begin with an index. */
  readonly path: string;
  readonly container: ReflectMessage;
  readonly field: DescField;
}

/** What takes the place of a repository in a request; a variant of each for each repository. */
const REPOSITORIES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["missing", { relativePath: "missing.git" }],
  ["empty", { relativePath: "empty.git" }],
  ["outside", { relativePath: "../outside.git" }],
  ["without a path in", { relativePath: "" }],
  ["of an unknown storage in", { storageName: "unknown" }],
  ["without a storage in", { storageName: "" }],
];

/**
 * The requests that differ in one point from what `make` returns: each field left out in turn, each
 * repository replaced by one that can't be used, each text by what looks like an option, the cursor
 * of pages by an unknown one and their limit by 0 and -1. `make` returns the same messages of
 * `method` each time.
 */
export function* requestVariants(
  method: DescMethod,
  make: () => readonly Message[],
): Generator<RequestVariant> {
  yield { name: "whole", messages: make() };
  const count = spotsOf(method, make()).length;
  for (let index = 0; index < count; index++) {
    for (const change of changesAt(spotsOf(method, make())[index])) {
      const messages = make();
      const spot = spotsOf(method, messages)[index];
      if (spot !== undefined) change.apply(spot);
      yield { name: change.name, messages };
    }
  }
}

interface Change {
  readonly name: string;
  readonly apply: (spot: Spot) => void;
}

function* changesAt(spot: Spot | undefined): Generator<Change> {
  if (spot === undefined) return;
  const { path, field } = spot;
  yield { name: `no ${path}`, apply: ({ container }) => container.clear(field) };
  if (field.fieldKind === "message" && field.message.typeName === "gitaly.Repository") {
    for (const [name, fields] of REPOSITORIES) {
      yield { name: `${name} ${path}`, apply: (at) => replaceFields(at, fields) };
    }
  } else if (field.name === "pagination_params") {
    const cursor = { pageToken: "unknown" };
    yield { name: `an unknown cursor in ${path}`, apply: (at) => replaceFields(at, cursor) };
  } else if (field.fieldKind === "scalar") {
    for (const [word, value] of otherValues(spot)) {
      yield { name: `${word} ${path}`, apply: ({ container }) => container.set(field, value) };
    }
  }
}

function replaceFields({ container, field }: Spot, values: Readonly<Record<string, string>>): void {
  if (field.fieldKind !== "message") return;
  const message = container.get(field);
  for (const inner of field.message.fields) {
    const value = values[inner.localName];
    if (value !== undefined) message.set(inner, value);
  }
}

function otherValues({ container, field }: Spot): (readonly [string, string | number | Buffer])[] {
  const value = container.get(field);
  if (typeof value === "string") return [["an option as", "-x"]];
  if (value instanceof Uint8Array) return [["an option as", Buffer.from("-x")]];
  if (
    typeof value !== "number" ||
    field.fieldKind !== "scalar" ||
    field.scalar !== ScalarType.INT32
  )
    return [];
  return [
    ["0 as", 0],
    ["-1 as", -1],
  ];
}

function spotsOf(method: DescMethod, messages: readonly Message[]): Spot[] {
  return messages.flatMap((message, index) => [
    ...spotsIn(method.input, message, index === 0 ? "" : `${index}:`),
  ]);
}

/** Every field that is set, but for those of repositories. */
function* spotsIn(desc: DescMessage, message: Message, prefix: string): Generator<Spot> {
  const container = reflect(desc, message);
  for (const field of desc.fields) {
    if (!container.isSet(field)) continue;
    const path = `${prefix}${field.name}`;
    yield { path, container, field };
    for (const inner of messagesOf(container, field)) {
      if (!/^google[.]|[.]Repository$/.test(inner.desc.typeName)) {
        yield* spotsIn(inner.desc, inner.message, `${path}.`);
      }
    }
  }
}

/** The message in a field, or the first one. */
function messagesOf(container: ReflectMessage, field: DescField): ReflectMessage[] {
  if (field.fieldKind === "message") return [container.get(field)];
  if (field.fieldKind !== "list" || field.listKind !== "message") return [];
  const first: unknown = container.get(field).get(0);
  return isReflected(first) ? [first] : [];
}

function isReflected(value: unknown): value is ReflectMessage {
  return typeof value === "object" && value !== null && "desc" in value && "message" in value;
}
