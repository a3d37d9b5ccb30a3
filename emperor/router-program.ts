// The router's program, started: what it is told on its command line, and the listening descriptors it inherits.
import { entryPoints } from '../lib/entry-points.ts';
import { formatListeners, listenersVariable, type Listener } from '../lib/listeners.ts';
import type { TransportWish } from '../lib/transport-choice.ts';
import { spawnChild, type Child, type ChildExit } from './child.ts';

export interface RouterProgram {
  readonly id: number;
  readonly controlPath: string;
  readonly transport: TransportWish;
  readonly listeners: readonly Listener[];
  readonly env: NodeJS.ProcessEnv;
  readonly onExit: (exit: ChildExit) => void;
}

/** The first descriptor that a child inherits beside the standard ones. */
const firstPassedFd = 3;

export function spawnRouter({ id, controlPath, transport, listeners, env, onExit }: RouterProgram): Child {
  const descriptors = listeners.flatMap(({ fd }) => (fd === undefined ? [] : [fd]));
  const passed = listeners.map(({ fd, address }) => ({
    address,
    fd: fd === undefined ? undefined : firstPassedFd + descriptors.indexOf(fd),
  }));
  return spawnChild({
    entryPoint: entryPoints.router,
    args: ['--id', String(id), '--control', controlPath, '--transport', transport],
    env: { ...env, [listenersVariable]: formatListeners(passed) },
    descriptors,
    onExit,
  });
}
