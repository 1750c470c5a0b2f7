import {
  create,
  type DescFile,
  type FileRegistry,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  type ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../proto/grpc/reflection/v1/reflection_pb.ts";
import type { Handler } from "../../rpc/handler.ts";

type Needs = { readonly registry: FileRegistry };
type ServerReflectionInfo = Handler<typeof ServerReflection.method.serverReflectionInfo>;
type Answer = NonNullable<
  Extract<
    MessageInitShape<typeof ServerReflectionResponseSchema>,
    { $typeName?: never }
  >["messageResponse"]
>;

/** gRPC's code for a name that the server does not know. */
const NOT_FOUND = 5;

/** Answers each question about services, symbols and files as the gRPC reflection protocol says. */
export function serverReflectionInfo({ registry }: Needs): ServerReflectionInfo {
  return async function* (requests) {
    for await (const request of requests) yield respond(registry, request);
  };
}

/** Answers one question; both versions of the service share it. */
export function respond(
  registry: FileRegistry,
  request: ServerReflectionRequest,
): ServerReflectionResponse {
  return create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(registry, request.messageRequest),
  });
}

function answer(
  registry: FileRegistry,
  question: ServerReflectionRequest["messageRequest"],
): Answer {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: serviceNames(registry) } };
    case "fileByFilename":
      return files(registry.getFile(question.value), question.value);
    case "fileContainingSymbol":
      return files(fileOf(registry, question.value), question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const message = registry.getMessage(containingType);
      const extension = message && registry.getExtensionFor(message, extensionNumber);
      return files(extension?.file, containingType);
    }
    case "allExtensionNumbersOfType":
      return {
        case: "allExtensionNumbersResponse",
        value: {
          baseTypeName: question.value,
          extensionNumber: extensionNumbers(registry, question.value),
        },
      };
    case undefined:
      return notFound("no request");
  }
}

function serviceNames(registry: FileRegistry): { name: string }[] {
  const names = [...registry].flatMap((type) => (type.kind === "service" ? [type.typeName] : []));
  return names.sort().map((name) => ({ name }));
}

function extensionNumbers(registry: FileRegistry, typeName: string): number[] {
  return [...registry].flatMap((type) =>
    type.kind === "extension" && type.extendee.typeName === typeName ? [type.number] : [],
  );
}

/** A symbol is a type, or a method or field of one. */
function fileOf(registry: FileRegistry, symbol: string): DescFile | undefined {
  const type = registry.get(symbol) ?? registry.get(symbol.slice(0, symbol.lastIndexOf(".")));
  return type?.file;
}

function files(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(`not found: ${asked}`);
  const fileDescriptorProto = [file, ...dependenciesOf(file)].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function dependenciesOf(file: DescFile, seen = new Set<DescFile>()): Set<DescFile> {
  for (const dependency of file.dependencies) {
    if (seen.has(dependency)) continue;
    seen.add(dependency);
    dependenciesOf(dependency, seen);
  }
  return seen;
}

function notFound(errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: NOT_FOUND, errorMessage } };
}
