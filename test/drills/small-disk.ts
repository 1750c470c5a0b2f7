import { execFileSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const CHUNK: Buffer = Buffer.alloc(64 * 1024, 1);

/** A file system of its own in a file, mounted somewhere; root only. */
export class SmallDisk {
  readonly #path: string;

  /** Makes a file system of `bytes` in the file `image` and mounts it at the folder `path`. */
  constructor(image: string, path: string, bytes: number) {
    this.#path = path;
    closeSync(openSync(image, "w"));
    truncateSync(image, bytes);
    execFileSync("mkfs.ext4", ["-q", "-m", "0", image]);
    execFileSync("mount", ["-o", "loop", image, path]);
  }

  /** Leaves room for about so many bytes. */
  leaveFree(bytes: number): void {
    const file = openSync(join(this.#path, "filler"), "w");
    let size = 0;
    try {
      for (;;) size += writeSync(file, CHUNK);
    } catch {
      // The disk is full.
      ftruncateSync(file, Math.max(size - bytes, 0));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    unlinkSync(join(this.#path, "filler"));
  }

  unmount(): void {
    execFileSync("umount", [this.#path]);
  }
}

/** Why there can't be a small disk here; undefined if there can. */
export function smallDiskObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "only root may mount";
  try {
    execFileSync("losetup", ["--find"], { stdio: "pipe" });
    execFileSync("mkfs.ext4", ["-V"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "no loop device, or no mkfs.ext4";
  }
}
