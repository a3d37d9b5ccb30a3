// One case: all contenders under the same load, round after round, A B A B. So a noisy moment of the machine does not
// always meet the same one.
import { cpuMs } from '../cpu-time.ts';
import type { Contender } from '../contenders/contender.ts';
import { isMissing, missingBecause, type Missing } from '../missing.ts';
import type { Bar, CaseResult, Column, Row, Sample } from './result.ts';

/** What a load did to one contender. */
export interface LoadResult {
  /** What the CPU time is divided by: requests, messages, connections. */
  readonly count: number;
  readonly figures: Sample;
  /** Empty where all went well. */
  readonly faults: string;
}

export interface CaseSpec {
  readonly name: string;
  readonly load: string;
  readonly columns: readonly Column[];
  readonly bars: readonly Bar[];
  /** Loads one contender once. */
  run(contender: Contender, seconds: number): Promise<LoadResult>;
}

export type OneOf = Contender & { readonly isOurs: boolean };

const warmUpSeconds = 2;

/** The key of the figure that every load has: CPU time in microseconds for each of what it counted. */
export const cpuKey = 'cpu';

/** A contender that cannot do this load is missing from the table, with what it said. */
export async function measureCase(
  spec: CaseSpec,
  contenders: readonly (OneOf | Missing)[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<CaseResult> {
  const runs = contenders.map((one) => (isMissing(one) ? one : new Run(spec, one)));
  for (const run of runs) if (run instanceof Run) await run.warmUp();
  for (let round = 0; round < rounds; round += 1) {
    for (const run of runs) if (run instanceof Run) await run.measure(seconds);
  }
  const { name, load, columns, bars } = spec;
  const rows = runs.map((run) => (run instanceof Run ? run.row : run));
  return { name, load: `${load}; rounds: ${rounds} of ${seconds} s each`, columns, bars, rows };
}

class Run {
  readonly #spec: CaseSpec;
  readonly #contender: OneOf;
  readonly #samples: Sample[] = [];
  readonly #faults = new Set<string>();
  #failure: Missing | undefined;

  constructor(spec: CaseSpec, contender: OneOf) {
    this.#spec = spec;
    this.#contender = contender;
  }

  get row(): Row | Missing {
    const { name, version, isOurs } = this.#contender;
    if (this.#failure !== undefined) return this.#failure;
    return { name, version, isOurs, samples: this.#samples, faults: [...this.#faults] };
  }

  async warmUp(): Promise<void> {
    await this.#attempt(async () => {
      await this.#spec.run(this.#contender, warmUpSeconds);
    });
  }

  async measure(seconds: number): Promise<void> {
    await this.#attempt(async () => {
      const { pids } = this.#contender;
      const before = cpuMs(pids);
      const { count, figures, faults } = await this.#spec.run(this.#contender, seconds);
      this.#samples.push({ ...figures, [cpuKey]: ((cpuMs(pids) - before) * 1000) / count });
      if (faults !== '') this.#faults.add(faults);
    });
  }

  /** Ours must be able to do everything; a peer's failure is the peer's. */
  async #attempt(act: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await act();
    } catch (error) {
      if (this.#contender.isOurs) throw error;
      this.#failure = missingBecause(this.#contender.name, 'it failed under this load', error);
    }
  }
}
