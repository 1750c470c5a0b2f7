/** A pack on its way into a quarantine. */
export interface IncomingPack {
  readonly objectCount: number;
  /** From its first byte. */
  readonly bytes: AsyncIterable<Uint8Array>;
}
