// A connection for its own sake: opened to see whether somebody takes it, and closed again without a byte.
import type { StreamHandler, Transport } from '../transports/transport.ts';

/**
 * Tells once whether the connection came about: undefined if it did, else why not, in a word or two. The returned
 * function gives the attempt up, and then nothing is told.
 */
export function reach(
  transport: Pick<Transport, 'connect' | 'after'>,
  address: string,
  timeoutMs: number,
  onOutcome: (fault: string | undefined) => void,
): () => void {
  let isOver = false;
  const finish = (): boolean => {
    if (isOver) return false;
    isOver = true;
    timer.cancel();
    return true;
  };
  const settle = (fault: string | undefined): void => {
    if (finish()) onOutcome(fault);
  };
  const timer = transport.after(timeoutMs, () => {
    settle(`no connection within ${timeoutMs} ms`);
    stream.destroy();
  });
  const handler: StreamHandler = {
    onConnect: () => {
      stream.destroy();
      settle(undefined);
    },
    onData: () => undefined,
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClose: (code) => {
      settle(code ?? 'closed');
    },
  };
  const stream = transport.connect(address, handler);
  return () => {
    if (finish()) stream.destroy();
  };
}
