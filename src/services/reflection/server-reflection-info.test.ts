import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "../../proto/grpc/reflection/v1/reflection_pb.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";

type Question = ServerReflectionRequest["messageRequest"];

async function ask(
  server: TestServer,
  ...questions: Question[]
): Promise<ServerReflectionResponse[]> {
  const requests = questions.map((messageRequest) => ({ host: "here", messageRequest }));
  return collect(server.client(ServerReflection).serverReflectionInfo(requests));
}

/** The names of the files in an answer. */
function fileNames({ messageResponse }: ServerReflectionResponse): (string | undefined)[] {
  assert.equal(messageResponse.case, "fileDescriptorResponse");
  return messageResponse.value.fileDescriptorProto.map(
    (bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name,
  );
}

test("serverReflectionInfo lists services and tells their files", async (t) => {
  const server = await startTestServer(t);
  const [listed, bySymbol, byMethod, byName] = await ask(
    server,
    { case: "listServices", value: "" },
    { case: "fileContainingSymbol", value: "gitaly.SSHService" },
    { case: "fileContainingSymbol", value: "gitaly.SSHService.SSHReceivePack" },
    { case: "fileByFilename", value: "ssh.proto" },
  );
  assert.ok(listed && bySymbol && byMethod && byName);
  assert.equal(listed.validHost, "here");
  assert.equal(listed.messageResponse.case, "listServicesResponse");
  const names = listed.messageResponse.value.service.map(({ name }) => name);
  assert.equal(names.filter((name) => name.startsWith("gitaly.")).length, 19);
  assert.ok(names.includes("grpc.health.v1.Health"));
  for (const answer of [bySymbol, byMethod, byName]) {
    assert.equal(fileNames(answer)[0], "ssh.proto");
    assert.ok(fileNames(answer).includes("shared.proto"));
  }
});

test("serverReflectionInfo tells of extensions", async (t) => {
  const server = await startTestServer(t);
  const containingType = "google.protobuf.MethodOptions";
  const [numbers] = await ask(server, { case: "allExtensionNumbersOfType", value: containingType });
  assert.equal(numbers?.messageResponse.case, "allExtensionNumbersResponse");
  const [extensionNumber = 0] = numbers.messageResponse.value.extensionNumber;
  assert.ok(extensionNumber > 0);
  const [file] = await ask(server, {
    case: "fileContainingExtension",
    value: { $typeName: "grpc.reflection.v1.ExtensionRequest", containingType, extensionNumber },
  });
  assert.ok(file);
  assert.equal(fileNames(file)[0], "lint.proto");
});

test("serverReflectionInfo says what it doesn't know", async (t) => {
  const server = await startTestServer(t);
  const answers = await ask(
    server,
    { case: "fileContainingSymbol", value: "gitaly.Nothing" },
    { case: "fileByFilename", value: "nothing.proto" },
    { case: undefined },
  );
  const errors = answers.map(({ messageResponse }) =>
    messageResponse.case === "errorResponse" ? messageResponse.value.errorMessage : undefined,
  );
  assert.deepEqual(errors, ["not found: gitaly.Nothing", "not found: nothing.proto", "no request"]);
});
