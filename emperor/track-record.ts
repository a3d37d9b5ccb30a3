// What experience says of the specs of one app: which were good, which one was refused and why, and how often it died
// lately. It only remembers; what follows from it the planner decides.
import { longestHistory, type AppMemory, type GoodGeneration, type RefusedSpec } from './app-memory.ts';
import { satisfies, type Deployable } from './facts.ts';
import { rememberedDeaths, type Death } from './restart-policy.ts';

/** What was refused: neither it nor an older one of the same digest is chosen. */
interface Refused extends RefusedSpec {
  readonly order: number;
}

type Wanted = Pick<Deployable, 'digest' | 'order'>;

export class TrackRecord {
  #proven: Deployable | undefined;
  #refused: Refused | undefined;
  /** Oldest first, each digest once. */
  #history: readonly GoodGeneration[] = [];
  #deaths: readonly Death[] = [];

  /** What is served where the newest is refused. */
  get proven(): Deployable | undefined {
    return this.#proven;
  }

  get refused(): Refused | undefined {
    return this.#refused;
  }

  /** Of what is wanted now, oldest first. */
  get deaths(): readonly Death[] {
    return this.#deaths;
  }

  /** Why `wanted` is not chosen; undefined where it may be. */
  refusalOf(wanted: Wanted | undefined): Refused | undefined {
    const refused = this.#refused;
    return wanted !== undefined && refused !== undefined && satisfies(refused, wanted) ? refused : undefined;
  }

  /** True where there is something else to serve than what just failed. */
  mayGoBackFrom(failed: Deployable): boolean {
    return this.#proven !== undefined && !satisfies(this.#proven, failed);
  }

  /** It is not chosen again, unless it is asked for again. */
  refuse({ digest, order }: Wanted, reason: string): void {
    this.#refused = { digest, order, reason, byOperator: false };
  }

  /** The operator wants `earlier` in place of `wanted`. */
  goBack(earlier: Deployable, wanted: Wanted, reason: string): void {
    this.#refused = { digest: wanted.digest, order: wanted.order, reason, byOperator: true };
    this.#proven = earlier;
    this.#deaths = [];
  }

  /** It is good: it is what is gone back to. */
  settle(generation: number, deployable: Deployable): void {
    const { spec, digest } = deployable;
    this.#proven = deployable;
    const others = this.#history.filter((one) => one.digest !== digest);
    this.#history = [...others, { generation, digest, spec }].slice(-longestHistory);
  }

  /** The last good spec before that of `digest`. */
  before(digest: string): GoodGeneration | undefined {
    const index = this.#history.findIndex((one) => one.digest === digest);
    return index === -1 ? this.#history.at(-1) : this.#history[index - 1];
  }

  die(death: Death): void {
    this.#deaths = [...this.#deaths, death].slice(-rememberedDeaths);
  }

  /** Something new is asked for, or the same again: what failed before may be tried. */
  forgive(): void {
    this.#deaths = [];
    this.#refused = undefined;
  }

  forget(): void {
    this.forgive();
    this.#proven = undefined;
    this.#history = [];
  }

  memory(): Pick<AppMemory, 'refused' | 'history'> {
    if (this.#refused === undefined) return { refused: null, history: this.#history };
    const { digest, reason, byOperator } = this.#refused;
    return { refused: { digest, reason, byOperator }, history: this.#history };
  }

  /** Takes over what an emperor before us knew. */
  restore({ refused, history }: Pick<AppMemory, 'refused' | 'history'>): void {
    if (refused !== null) this.#refused = { ...refused, order: 0 };
    this.#history = history;
    const last = history.at(-1);
    if (last !== undefined) this.#proven = { spec: last.spec, digest: last.digest, order: 0 };
  }
}
