// One app as the emperor sees it: what its file and the operator ask for, its instances, its track record, and how
// the last deploy went. It takes facts in and gives facts out; the planner decides.
import type { GenerationStats } from '../lib/app-stats.ts';
import type { AppMemory } from './app-memory.ts';
import type { FileStamp, FileState } from './config/scan.ts';
import {
  chooseDeployable,
  liveInstance,
  type AppFacts,
  type Deployable,
  type Desired,
  type DesiredApp,
  type RolloutFacts,
} from './facts.ts';
import type { Fall } from './fall.ts';
import { TrackRecord } from './track-record.ts';
import type { VassalHandle } from './vassal-handle.ts';

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
  #isPaused = false;
  #processes: number | undefined;
  #rollout: RolloutFacts | undefined;
  readonly #record = new TrackRecord();
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

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Workers that the operator asked for by `scale`; undefined: as the file says. */
  get processes(): number | undefined {
    return this.#processes;
  }

  /** Why what the file asks for does not serve; undefined where it was not refused. */
  get refusal(): string | undefined {
    return this.#record.refusalOf(this.#target)?.reason;
  }

  /** True where the file's deploy failed, by itself, and what was good before serves. */
  get isTurnedBack(): boolean {
    return this.#record.refusalOf(this.#target)?.byOperator === false;
  }

  get rollout(): RolloutFacts | undefined {
    return this.#rollout;
  }

  /** The instance that has the traffic. */
  get live(): VassalHandle | undefined {
    const facts = this.facts();
    const generation = liveInstance(facts, chooseDeployable(this.#alone(), facts))?.generation;
    return generation === undefined ? undefined : this.instances.get(generation);
  }

  /** True where the file cannot be used as it is. */
  get isBroken(): boolean {
    return this.#file?.state === 'invalid' || this.#file?.state === 'unreadable';
  }

  desired(): DesiredApp | undefined {
    if (this.#file === undefined) return undefined;
    return {
      target: this.#target,
      isStopped: this.#isStopped,
      isPaused: this.#isPaused,
      processes: this.#processes,
    };
  }

  /** `queued` and `figures` are the routers' word on it. */
  facts(queued = 0, figures: readonly GenerationStats[] = []): AppFacts {
    return {
      name: this.name,
      instances: [...this.instances.values()].map((instance) => instance.facts()),
      proven: this.#record.proven,
      refused: this.#record.refused,
      deaths: this.#record.deaths,
      nextGeneration: this.#lastGeneration + 1,
      queued,
      rollout: this.#rollout,
      figures,
    };
  }

  /** What the next emperor is to know of it. */
  memory(): AppMemory {
    return {
      lastGeneration: this.#lastGeneration,
      isStopped: this.#isStopped,
      isPaused: this.#isPaused,
      processes: this.#processes ?? null,
      canary: this.#rollout === undefined ? null : { generation: this.#rollout.generation, step: this.#rollout.step },
      ...this.#record.memory(),
    };
  }

  /** Takes over what an emperor before us knew. */
  restore(memory: AppMemory, nowMs: number): void {
    this.#lastGeneration = Math.max(this.#lastGeneration, memory.lastGeneration);
    this.#isStopped = memory.isStopped;
    this.#isPaused = memory.isPaused;
    this.#processes = memory.processes ?? undefined;
    // The clock of the one before us is not ours: the pause after the step begins again.
    this.#rollout = memory.canary === null ? undefined : { ...memory.canary, sinceMs: nowMs };
    this.#record.restore(memory);
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
    this.#record.forgive();
    this.#wantedSinceMs = nowMs;
    if (this.#target !== undefined) this.#target = { ...this.#target, order: this.#order };
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Holds all requests until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** So many workers, until the file's content changes. */
  scale(processes: number): void {
    this.#processes = processes;
  }

  /**
   * Goes back to the good generation before the live one; what the file asks for is refused until it is edited,
   * touched or reloaded. Undefined where there is no earlier one; else the order to wait for.
   */
  rollback(nowMs: number): { readonly order: number } | undefined {
    const { live } = this;
    const earlier = this.#earlier(live);
    if (earlier === undefined) return undefined;
    const from = live === undefined ? '' : ` from generation ${live.generation}`;
    const wanted = this.#target ?? live?.deployable ?? earlier;
    this.#record.goBack(earlier, wanted, `rolled back${from} by the operator`);
    this.#rollout = undefined;
    this.#wantedSinceMs = nowMs;
    return { order: earlier.order };
  }

  /** A newer generation enters a step of its canary. */
  enterStep(generation: number, step: number, nowMs: number): void {
    this.#rollout = { generation, step, sinceMs: nowMs };
  }

  endRollout(): void {
    this.#rollout = undefined;
  }

  /** What the instance runs is not chosen again, unless it is asked for again. */
  refuse(instance: VassalHandle, reason: string): void {
    this.#record.refuse(instance.deployable, reason);
    this.#rollout = undefined;
  }

  /** What the instance runs is good: it is what is gone back to. */
  settle({ generation, deployable }: VassalHandle): void {
    this.#record.settle(generation, deployable);
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

  /** The instance is ready. With nothing to go back to, or where it served before us, it need not stand probation. */
  prove(instance: VassalHandle): void {
    const { proven } = this.#record;
    const isTrusted = proven === undefined || (instance.isAdopted && instance.traffic.isPromoted);
    if (isTrusted && this.live === instance && proven !== instance.deployable) this.settle(instance);
  }

  /** A start failed. Where something else was proven the failed spec is refused, else it is tried again later. */
  recordFailedStart(
    instance: VassalHandle,
    fall: Fall,
    draw: { readonly nowMs: number; readonly jitter: number },
  ): void {
    if (this.#record.mayGoBackFrom(instance.deployable)) this.refuse(instance, fall.message);
    else this.#die(fall, draw);
  }

  /** A ready instance died. Returns whether that makes the one before it serve again. */
  recordDeath(
    instance: VassalHandle,
    fall: Fall,
    draw: { readonly nowMs: number; readonly jitter: number },
  ): { readonly isRefused: boolean } {
    const isRefused = this.#record.mayGoBackFrom(instance.deployable) && instance.isOnProbation(draw.nowMs);
    if (isRefused) this.refuse(instance, `${fall.message} within settle`);
    else this.#die(fall, draw);
    return { isRefused };
  }

  /** The good generation before the live one: an instance that still waits to be recalled, or a spec that was good. */
  #earlier(live: VassalHandle | undefined): Deployable | undefined {
    if (live === undefined) return undefined;
    const all = [...this.instances.values()];
    const standby = all.findLast((one) => one !== live && one.state === 'draining' && one.traffic.isPromoted);
    if (standby !== undefined) return standby.deployable;
    const before = this.#record.before(live.deployable.digest);
    return before && { spec: before.spec, digest: before.digest, order: this.#order };
  }

  /** The app as if it were the only one: what it runs does not depend on the others. */
  #alone(): Desired {
    const desired = this.desired();
    return {
      isComplete: true,
      isEnding: false,
      apps: new Map(desired === undefined ? [] : [[this.name, desired]]),
    };
  }

  #die(
    { kind, message, healthyMs }: Fall,
    { nowMs, jitter }: { readonly nowMs: number; readonly jitter: number },
  ): void {
    this.#record.die({ atMs: nowMs, healthyMs, kind, message, jitter });
  }

  #want(
    { spec, digest }: Pick<Deployable, 'spec' | 'digest'>,
    { isTouched, nowMs }: { readonly isTouched: boolean; readonly nowMs: number },
  ): void {
    if (isTouched) this.#order += 1;
    else if (this.#target?.digest === digest) return;
    if (this.#target !== undefined) {
      // The operator's number and what was learned were of what the file said then.
      if (this.#target.digest !== digest) this.#processes = undefined;
      this.#record.forgive();
    }
    this.#target = { spec, digest, order: this.#order };
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
    this.#isPaused = false;
    this.#processes = undefined;
    this.#rollout = undefined;
    this.#record.forget();
  }
}

/** The same bytes with another time: what `touch` does, and an editor that saves without an edit. */
function isTouched(before: FileStamp | undefined, now: FileStamp): boolean {
  if (before === undefined || before.contentDigest === '') return false;
  return before.contentDigest === now.contentDigest && before.mtimeMs !== now.mtimeMs;
}
