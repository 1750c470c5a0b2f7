import type { Readable, Writable } from "node:stream";
import { DomainError } from "../../base/error/domain-error.ts";
import { writeTo } from "../../base/stream/write-to.ts";
import { PKT_LINE_DATA_BYTES_MAX, PktLineEncoder } from "../../git/pkt-line/pkt-line-encoder.ts";
import { type Packet, packetText, readPktLines } from "../../git/pkt-line/pkt-line-parser.ts";
import { ProtocolError } from "../../git/pkt-line/protocol-error.ts";
import { POINTER_BYTES_MAX, type SmudgeSource, smudgePointer } from "./smudge-pointer.ts";

interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

/**
 * Replaces pointers for one git process until it ends its input, see "Long Running Filter Process" in
 * gitattributes(5), version 2.
 *
 * Throws a ProtocolError when the other side doesn't keep to it.
 */
export async function runFilterProcess(
  { stdin, stdout }: Streams,
  source: SmudgeSource,
): Promise<void> {
  const packets = readPktLines(stdin);
  await greet(packets, stdout);
  for (;;) {
    const { done, value } = await packets.next();
    if (done === true) return;
    if (lineOf(value) !== "command=smudge") {
      throw new ProtocolError(`expected smudge command, got ${JSON.stringify(lineOf(value))}`);
    }
    // Path and tree of the file don't matter.
    await readLines(packets);
    await smudge(await readContent(packets), stdout, source);
  }
}

async function greet(packets: AsyncGenerator<Packet>, stdout: Writable): Promise<void> {
  const { value: hello } = await packets.next();
  if (hello === undefined || lineOf(hello) !== "git-filter-client") {
    throw new ProtocolError("invalid client");
  }
  if (!(await readLines(packets)).includes("version=2")) {
    throw new ProtocolError("client does not support version 2");
  }
  const encoder = new PktLineEncoder();
  await writeTo(stdout, encoder.line("git-filter-server\n").line("version=2\n").flush().take());
  if (!(await readLines(packets)).includes("capability=smudge")) {
    throw new ProtocolError("client does not support smudge capability");
  }
  await writeTo(stdout, encoder.line("capability=smudge\n").flush().take());
}

/** Answers with the object, or leaves the file to git as it is. */
async function smudge(
  content: Buffer | undefined,
  stdout: Writable,
  source: SmudgeSource,
): Promise<void> {
  const object = await open(content, source);
  const encoder = new PktLineEncoder();
  if (object === undefined) {
    await writeTo(stdout, encoder.line("status=error\n").flush().take());
    return;
  }
  await writeTo(stdout, encoder.line("status=success\n").flush().take());
  for await (const chunk of object) {
    for (let start = 0; start < chunk.length; start += PKT_LINE_DATA_BYTES_MAX) {
      encoder.data(chunk.subarray(start, start + PKT_LINE_DATA_BYTES_MAX));
    }
    await writeTo(stdout, encoder.take());
  }
  // The status stays what it is: one that failed meanwhile has ended this process.
  await writeTo(stdout, encoder.flush().flush().take());
}

async function open(
  content: Buffer | undefined,
  source: SmudgeSource,
): Promise<AsyncIterable<Buffer> | undefined> {
  if (content === undefined) return undefined;
  try {
    return await smudgePointer(content, source);
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

/** Undefined for what is too long to be a pointer: git has it, there is no need to keep it. */
async function readContent(packets: AsyncGenerator<Packet>): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for (;;) {
    const packet = await nextPacket(packets);
    if (packet.kind !== "data") return size > POINTER_BYTES_MAX ? undefined : Buffer.concat(pieces);
    size += packet.data.length;
    if (size <= POINTER_BYTES_MAX) pieces.push(Buffer.from(packet.data));
  }
}

/** The lines up to a flush. */
async function readLines(packets: AsyncGenerator<Packet>): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const packet = await nextPacket(packets);
    if (packet.kind !== "data") return lines;
    lines.push(packetText(packet.data));
  }
}

async function nextPacket(packets: AsyncGenerator<Packet>): Promise<Packet> {
  const { done, value } = await packets.next();
  if (done === true) throw new ProtocolError("unexpected termination");
  return value;
}

function lineOf(packet: Packet): string {
  return packet.kind === "data" ? packetText(packet.data) : "";
}
