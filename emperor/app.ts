// What the emperor remembers of one app: what its file asks for, what was proven and what refused, its deaths, its
// instances and how the last deploy went. It takes facts in and gives facts out; the planner decides.
import type { FileStamp, FileState } from './config/scan.ts';
import { satisfies, type AppFacts, type Deployable, type DesiredApp } from './facts.ts';
import { rememberedDeaths, type Death } from './restart-policy.ts';
import type { Fall, VassalHandle } from './vassal-handle.ts';

/** How the newest deploy went, as status tells it. */
export interface LastDeploy {
  readonly generation: number;
  /** `rejected`: the file is invalid. `failed`: the generation did not become ready. */
  readonly result: 'live' | 'rejected' | 'failed';
  readonly reason: string | null;
  readonly tookMs: number;
  /** The last lines of the failed generation, at most 50. */
  readonly log: readonly string[];
}

export class App {
  readonly name: string;
  readonly instances = new Map<number, VassalHandle>();
  lastDeploy: LastDeploy | null = null;
  #file: FileState | undefined;
  #validStamp: FileStamp | undefined;
  #fault: string | undefined;
  #target: Deployable | undefined;
  #order = 0;
  #isStopped = false;
  #proven: Deployable | undefined;
  #refused: Deployable | undefined;
  #deaths: readonly Death[] = [];
  #lastGeneration: number;
  #wantedSinceMs: number | undefined;

  /** `lastGeneration`: the highest number that this name was ever seen with. */
  constructor(name: string, lastGeneration: number) {
    this.name = name;
    this.#lastGeneration = lastGeneration;
  }

  get file(): FileState | undefined {
    return this.#file;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get order(): number {
    return this.#order;
  }

  get lastGeneration(): number {
    return this.#lastGeneration;
  }

  /** The newest ready instance. */
  get live(): VassalHandle | undefined {
    return [...this.instances.values()].findLast(({ state }) => state === 'ready');
  }

  /** True where what failed is what is still wanted. */
  get isRefused(): boolean {
    return this.#target !== undefined && this.#refused !== undefined && satisfies(this.#refused, this.#target);
  }

  /** True where the file cannot be used as it is. */
  get isBroken(): boolean {
    return this.#file?.state === 'invalid' || this.#file?.state === 'unreadable';
  }

  desired(): DesiredApp | undefined {
    return this.#file === undefined ? undefined : { target: this.#target, isStopped: this.#isStopped };
  }

  facts(queued: number): AppFacts {
    return {
      name: this.name,
      instances: [...this.instances.values()].map((instance) => instance.facts()),
      proven: this.#proven,
      refused: this.#refused,
      deaths: this.#deaths,
      nextGeneration: this.#lastGeneration + 1,
      queued,
    };
  }

  /** The file as it is now; undefined: it is gone. Returns whether it was just found to be invalid. */
  observe(file: FileState | undefined, onTouch: 'deploy' | 'ignore', nowMs: number): { readonly isRejected: boolean } {
    this.#file = file;
    if (file === undefined) {
      this.#forgetHistory();
      return { isRejected: false };
    }
    if (file.state === 'valid') {
      this.#want(file, { isTouched: onTouch === 'deploy' && isTouched(this.#validStamp, file.stamp), nowMs });
      this.#validStamp = file.stamp;
    } else if (this.#target === undefined && file.lastGood !== null) {
      this.#want(file.lastGood, { isTouched: false, nowMs });
    }
    return { isRejected: this.#isNewFault(file) };
  }

  /** Asks for a new generation of the same spec. */
  renew(nowMs: number): void {
    this.#order += 1;
    this.#isStopped = false;
    this.#deaths = [];
    this.#wantedSinceMs = nowMs;
    if (this.#target !== undefined) this.#target = { ...this.#target, order: this.#order };
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** From when the time of the generation that starts now counts: the edit that asks for it, if it is the first try. */
  takeSince(nowMs: number): number {
    const sinceMs = this.#wantedSinceMs ?? nowMs;
    this.#wantedSinceMs = undefined;
    return sinceMs;
  }

  add(instance: VassalHandle): void {
    this.#lastGeneration = Math.max(this.#lastGeneration, instance.generation);
    const all = [...this.instances.values(), instance].sort((a, b) => a.generation - b.generation);
    this.instances.clear();
    for (const one of all) this.instances.set(one.generation, one);
  }

  /** The instance became ready: its spec is what is served again if a later one is refused. */
  prove(instance: VassalHandle): void {
    if (this.live !== instance) return;
    this.#proven = instance.deployable;
  }

  /** A start failed. Where something else was proven the failed spec is refused, else it is tried again later. */
  recordFailedStart(
    instance: VassalHandle,
    fall: Fall,
    draw: { readonly nowMs: number; readonly jitter: number },
  ): void {
    const { deployable } = instance;
    if (this.#proven !== undefined && !satisfies(this.#proven, deployable)) this.#refused = deployable;
    else this.#die(fall, draw);
  }

  recordDeath(fall: Fall, draw: { readonly nowMs: number; readonly jitter: number }): void {
    this.#die(fall, draw);
  }

  #die(
    { kind, message, healthyMs }: Fall,
    { nowMs, jitter }: { readonly nowMs: number; readonly jitter: number },
  ): void {
    this.#deaths = [...this.#deaths, { atMs: nowMs, healthyMs, kind, message, jitter }].slice(-rememberedDeaths);
  }

  #want(
    { spec, digest }: Pick<Deployable, 'spec' | 'digest'>,
    { isTouched, nowMs }: { readonly isTouched: boolean; readonly nowMs: number },
  ): void {
    if (isTouched) this.#order += 1;
    else if (this.#target?.digest === digest) return;
    this.#target = { spec, digest, order: this.#order };
    this.#deaths = [];
    this.#wantedSinceMs = nowMs;
  }

  /** A fault is new once; what may still be half written is no fault yet. */
  #isNewFault(file: FileState): boolean {
    if (file.state === 'settling' || file.state === 'unreadable') return false;
    const fault = file.state === 'invalid' ? JSON.stringify(file.problems) : undefined;
    const isNew = fault !== undefined && fault !== this.#fault;
    this.#fault = fault;
    return isNew;
  }

  #forgetHistory(): void {
    this.#target = undefined;
    this.#isStopped = false;
    this.#validStamp = undefined;
    this.#fault = undefined;
    this.#proven = undefined;
    this.#refused = undefined;
    this.#deaths = [];
  }
}

/** The same bytes with another time: what `touch` does, and an editor that saves without an edit. */
function isTouched(before: FileStamp | undefined, now: FileStamp): boolean {
  if (before === undefined || before.contentDigest === '') return false;
  return before.contentDigest === now.contentDigest && before.mtimeMs !== now.mtimeMs;
}
