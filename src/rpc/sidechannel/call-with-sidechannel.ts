import type { CallOptions } from "../client/call-options.ts";
import { YamuxSessionClosedError, YamuxStreamResetError } from "../yamux/yamux-error.ts";
import { ID_METADATA } from "./greeting.ts";
import { SidechannelError } from "./sidechannel-error.ts";
import type { SidechannelRegistry, SidechannelUse } from "./sidechannel-registry.ts";

/** How long what the server has sent before its call failed may take to be read. */
const LAST_WORDS_MS = 5000;

/** Makes a call that has a sidechannel; see `Channel.withSidechannel`. */
export async function callWithSidechannel<T>(
  registry: SidechannelRegistry,
  use: SidechannelUse,
  call: (options: CallOptions) => Promise<T>,
  options: CallOptions,
): Promise<T> {
  const cut = new AbortController();
  let userFailure: { readonly error: unknown } | undefined;
  const waiter = registry.register(async (stream) => {
    try {
      await use(stream);
    } catch (error) {
      if (!isTransportFailure(error)) {
        userFailure = { error };
        cut.abort();
      }
      throw error;
    }
  });
  const { signal, metadata } = options;
  try {
    const reply = await call({
      ...options,
      metadata: { ...metadata, [ID_METADATA]: waiter.id.toString() },
      signal: signal === undefined ? cut.signal : AbortSignal.any([signal, cut.signal]),
    });
    await waiter.finish();
    return reply;
  } catch (error) {
    await waiter.abandon(signal?.aborted ? 0 : LAST_WORDS_MS);
    throw userFailure === undefined ? error : userFailure.error;
  }
}

/** The server, or the way to it, has ended the sidechannel; the call will tell why. */
function isTransportFailure(error: unknown): boolean {
  return (
    error instanceof SidechannelError ||
    error instanceof YamuxStreamResetError ||
    error instanceof YamuxSessionClosedError
  );
}
