// The deploys of one contender, in blocks of uninterrupted load, and what was seen of them.
import { messageOf } from '../../../lib/errors.ts';
import type { Contender } from './contender.ts';
import { OpenLoop, type LoadOptions } from './open-loop.ts';
import type { Block, BrokenDeploy, Deploy } from './record.ts';
import { firstRelease } from './releases.ts';

export interface Plan {
  readonly deploysPerBlock: number;
  /** Which deploy of all blocks, counted from 0, is broken; not the last of a block. */
  readonly brokenDeploy: number;
  readonly load: Omit<LoadOptions, 'port' | 'host'>;
}

/** Between a version's first answer and the next edit: uWSGI tells two edits apart by their second. */
const restMs = 1100;
/** How long it is watched what became of a broken release, after the deploying command ended. */
const brokenMs = 5000;
const longestDeployMs = 60_000;

export class Measurement {
  readonly contender: Contender;
  readonly blocks: Block[] = [];
  /** Why it was given up, in words. */
  failure: string | undefined;
  /** How late the load itself was at the worst. */
  loadLatenessMs = 0;
  readonly #plan: Plan;
  #deploys = 0;
  #served = firstRelease.version;
  #broken: { readonly savedMs: number; readonly previous: string } | undefined;

  constructor(contender: Contender, plan: Plan) {
    this.contender = contender;
    this.#plan = plan;
  }

  /** Starts the load, does the block's deploys one after the other, and ends the load. */
  async runBlock(): Promise<void> {
    if (this.failure !== undefined) return;
    const { port, host } = this.contender;
    const startMs = performance.now();
    const load = new OpenLoop({ port, host, ...this.#plan.load });
    const deploys: Deploy[] = [];
    let broken: BrokenDeploy | undefined;
    await pause(restMs);
    try {
      for (let count = 0; count < this.#plan.deploysPerBlock; count += 1) {
        if (this.#deploys === this.#plan.brokenDeploy) await this.#deployBroken();
        else {
          const deploy = await this.#deploy(load);
          deploys.push(deploy);
          if (this.#broken !== undefined) {
            broken = { ...this.#broken, fixSavedMs: deploy.savedMs, fixServedMs: deploy.servedMs };
            this.#broken = undefined;
          }
        }
      }
    } catch (error) {
      this.failure = messageOf(error);
    }
    const endMs = performance.now();
    await load.end();
    this.loadLatenessMs = Math.max(this.loadLatenessMs, load.worstLatenessMs);
    this.blocks.push({ startMs, endMs, exchanges: load.exchanges, deploys, broken });
  }

  async #deploy(load: OpenLoop): Promise<Deploy> {
    const version = this.#nextVersion();
    const savedMs = performance.now();
    const deployed = this.contender.deploy({ version, isBroken: false });
    const [servedMs] = await Promise.all([load.served(version, longestDeployMs), deployed]);
    this.#served = version;
    await pause(restMs);
    return { version, savedMs, servedMs };
  }

  async #deployBroken(): Promise<void> {
    this.#broken = { savedMs: performance.now(), previous: this.#served };
    await this.contender.deploy({ version: this.#nextVersion(), isBroken: true });
    await pause(brokenMs);
  }

  #nextVersion(): string {
    this.#deploys += 1;
    return String(this.#deploys);
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
