// For a stream that has nobody to tell (yet).
import type { StreamHandler } from './transport.ts';

export const ignoringHandler: StreamHandler = {
  onConnect: () => undefined,
  onData: () => undefined,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};
