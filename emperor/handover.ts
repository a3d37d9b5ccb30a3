// What the running program leaves to the one that replaces it under the same pid: in one environment variable, and in
// descriptors that it names. The new one takes the variable out of its environment before it starts anything.
import { formatListeners, parseListeners, type Listener } from '../lib/listeners.ts';
import { native } from '../native/index.ts';

const handoverVariable = 'EMPEROR_HANDOVER';

export interface Handover {
  /** Names this upgrade, for who waits for it. */
  readonly id: string;
  /** The version that was replaced. */
  readonly from: string;
  /** Those that routers inherit; empty where only routers of a former emperor held them. */
  readonly listeners: readonly Listener[];
  /** The socket of control.sock: what dials in meanwhile waits in its queue and is not refused. */
  readonly control: number | undefined;
}

/** As an entry of an environment. */
export function formatHandover({ id, from, listeners, control }: Handover): string {
  return `${handoverVariable}=${JSON.stringify({ id, from, listen: formatListeners(listeners), control })}`;
}

/** Takes the handover out of the environment; undefined where no program was replaced. */
export function takeHandover(env: NodeJS.ProcessEnv): Handover | undefined {
  const text = env[handoverVariable];
  if (text === undefined) return undefined;
  // From process.env itself: children are to inherit none of it.
  Reflect.deleteProperty(env, handoverVariable);
  try {
    const { id, from, listen, control } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const handover = {
      id: String(id),
      from: String(from),
      listeners: parseListeners(typeof listen === 'string' ? listen : ''),
      control: typeof control === 'number' ? control : undefined,
    };
    // They came through execve; Node sees to that only up to the first gap in their numbers (uv_disable_stdio_inheritance).
    for (const fd of [...handover.listeners.map((one) => one.fd), handover.control]) {
      if (fd !== undefined) native.addon?.setCloseOnExec(fd);
    }
    return handover;
  } catch {
    return undefined;
  }
}
