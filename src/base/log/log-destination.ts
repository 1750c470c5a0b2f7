import pino from "pino";

/** Takes finished lines, each with its line feed. */
export interface LogDestination {
  write(line: string): void;
  /** Waits until everything is written. Lines that come later are lost. */
  close(): Promise<void>;
}

/** Lines are gathered until they are worth a system call. */
const WRITE_BYTES_MIN = 64 * 1024;
const WRITE_BYTES_MAX = 4 * WRITE_BYTES_MIN;

/** A line waits no longer than this for others. */
const WAIT_MS_MAX = 200;

/** When whatever reads the log stops reading, lines beyond this many pending bytes are lost. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;

/** Closing doesn't wait longer for a reader that has stopped reading. */
const CLOSE_MS_MAX = 2000;

/**
 * Writes lines to a file descriptor without waiting for it.
 *
 * What is still pending when the process exits is written then. A reader that goes away, or a full
 * disk, loses lines; it doesn't stop the server. Closing closes the descriptor as well, unless it
 * is stdout or stderr.
 */
export function openLogDestination(descriptor: number): LogDestination {
  const stream = pino.destination({
    dest: descriptor,
    sync: false,
    minLength: WRITE_BYTES_MIN,
    maxWrite: WRITE_BYTES_MAX,
    periodicFlush: WAIT_MS_MAX,
    maxLength: PENDING_BYTES_MAX,
  });
  stream.on("error", () => undefined);
  const flushAtExit = (): void => flushQuietly(stream);
  process.once("exit", flushAtExit);
  return {
    write: (line) => {
      stream.write(line);
    },
    close: async () => {
      process.off("exit", flushAtExit);
      await closed(stream);
    },
  };
}

type Stream = ReturnType<typeof pino.destination>;

function closed(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => stream.destroy(), CLOSE_MS_MAX);
    stream.once("close", () => {
      clearTimeout(giveUp);
      resolve();
    });
    stream.end();
  });
}

function flushQuietly(stream: Stream): void {
  try {
    stream.flushSync();
  } catch {
    // The descriptor is closed or its reader gone: there is nobody left to tell.
  }
}
