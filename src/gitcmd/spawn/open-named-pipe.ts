import { close, constants, open } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";

/**
 * Opens a named pipe for writing. When its reader is gone, so is what is returned: closed already.
 */
export function openNamedPipe(path: string): Promise<Writable> {
  return new Promise((resolve) => {
    // Without O_NONBLOCK it would wait for a reader, who may have ended.
    open(path, constants.O_WRONLY | constants.O_NONBLOCK, (error, fd) => {
      resolve(error === null ? writableOf(fd) : closedWritable());
    });
  });
}

function writableOf(fd: number): Writable {
  try {
    const pipe = new Socket({ fd, readable: false, writable: true });
    // A process that ends while it is written to is no accident.
    pipe.on("error", () => undefined);
    return pipe;
  } catch {
    close(fd);
    return closedWritable();
  }
}

function closedWritable(): Writable {
  const closed = new Writable();
  closed.on("error", () => undefined);
  return closed.destroy();
}
