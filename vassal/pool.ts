// What an instance is made of, as its primary sees it: worker processes (worker-pool.ts), or backends that somebody
// else runs (runtimes/upstream/). The pool keeps its members as it is told; what that means for the instance, whether
// it is ready, failed or over, is the primary's to say.
import type { NativeAddon } from '../native/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Failure, ReadyBy, Registration, StartVassal, WorkerState } from '../lib/vassal-messages.ts';
import type { Logger } from './log.ts';
import type { AppLog } from './app-log.ts';
import type { ProcessTree } from './process-tree.ts';

export interface Pool {
  readonly members: readonly WorkerState[];
  /** Begins. Returns what is wrong where it cannot; then it has no members, and only `close` remains to be called. */
  open(): string | undefined;
  /** Keep this many processes; a set of backends has none of its own. Doing it again does nothing. */
  scale(processes: number): void;
  /** The backends registered at run time, all of them; worker processes have none. Doing it again does nothing. */
  register(registrations: readonly Registration[]): void;
  /** What each member that is not ready still owes. */
  missing(): readonly Missing[];
  /**
   * `ready-timeout` has passed. Returns why the instance cannot become ready, or undefined where it did by this, or
   * where the emperor decides how long it goes on waiting.
   */
  onOverdue(): string | undefined;
  /** Ends every member; onEmpty follows, perhaps at once. Doing it again does nothing. */
  stop(): void;
  /** Gives back what it opened; there are no members any more. */
  close(): void;
}

export interface Missing {
  readonly member: number;
  /** A sentence about the member. */
  readonly text: string;
}

export interface PoolOptions {
  readonly name: string;
  readonly generation: number;
  readonly start: StartVassal;
  readonly addon: NativeAddon | undefined;
  readonly tree: ProcessTree;
  readonly env: NodeJS.ProcessEnv;
  readonly output: AppLog;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: PoolEvents;
}

export interface PoolEvents {
  /** What `members` tells has changed. */
  onChange(): void;
  /** Enough members are ready for the instance to be. Told once; what they do afterwards does not take it back. */
  onReady(by: ReadyBy): void;
  /** Before it was ready, something happened that ends the attempt. */
  onFailed(failure: Pick<Failure, 'kind' | 'message'>): void;
  /** Something that belongs into the app's log as well as into ours; `member` null: about the whole. */
  note(member: number | null, text: string): void;
  /** After `stop`: no member is left. */
  onEmpty(): void;
}
