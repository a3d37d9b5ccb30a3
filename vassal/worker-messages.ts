// What a worker of ours, in whatever language, and its primary say to each other: one variable at birth, then messages
// over Node's IPC channel (NODE_CHANNEL_FD: a JSON value a line). A Node app shares the channel and may send messages of
// its own; ours bear the key `emperor`.

/** Carries the runtime's boot as JSON. The worker takes it out of its environment before the app is loaded. */
export const bootVariable = 'EMPEROR_BOOT';

/** Where a worker is to listen: an inherited descriptor, or a path that it binds itself (without the addon). */
export type ListenTarget = { readonly fd: number } | { readonly path: string };

export type WorkerMessage =
  /** The app's module has run; `serves` = it exported something that takes requests, or has called listen(). */
  | { readonly emperor: 'loaded'; readonly serves: boolean }
  /** Told again where another server of the app took over. `handoff`: it takes client connections over. */
  | { readonly emperor: 'listening'; readonly handoff: boolean }
  /** The app could not be loaded; exit code workerExit.cannotLoad follows. */
  | { readonly emperor: 'cannot-load'; readonly message: string };

/** One of ours, `ready` as apps say it to their process manager, or undefined: the app's own business. */
export function readWorkerMessage(message: unknown): WorkerMessage | 'ready' | undefined {
  if (message === 'ready') return 'ready';
  if (typeof message !== 'object' || message === null) return undefined;
  if ('type' in message && message.type === 'ready') return 'ready';
  if (!('emperor' in message)) return undefined;
  const ours = message as Record<string, unknown>;
  if (ours['emperor'] === 'listening') return { emperor: 'listening', handoff: ours['handoff'] === true };
  if (ours['emperor'] === 'loaded') return { emperor: 'loaded', serves: ours['serves'] === true };
  if (ours['emperor'] === 'cannot-load') return { emperor: 'cannot-load', message: String(ours['message']) };
  return undefined;
}
