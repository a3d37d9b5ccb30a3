// What the primary tells a Node worker at its birth.
import type { ListenTarget } from '../../worker-messages.ts';

export interface WorkerBoot {
  /** Absolute path of the script, package or directory. */
  readonly app: string;
  readonly worker: number;
  readonly processes: number;
  /** Where the adopted server listens. */
  readonly own: ListenTarget;
  readonly shared: ListenTarget | null;
  /** Path at which it is to take client connections over; null where it is not to. */
  readonly handoff: string | null;
  /** `SIGTERM` and the like; `SIGKILL` cannot be heard. */
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly hasAddon: boolean;
  readonly primaryPid: number;
}
