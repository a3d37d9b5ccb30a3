// Whether a client connection is handed over to a worker, to which one, and how the worker is to treat it. Pure.
import type { HandoffRules } from '../../lib/handoff.ts';
import type { AppRoute } from '../../lib/routes.ts';

/** Whom the requests of a connection name. */
export interface Addressee {
  /** As the client spells it. */
  readonly authority: string;
  /** As the route table spells it. */
  readonly host: string;
}

/** What is asked of a request that was answered. */
export interface AnsweredRequest extends Addressee {
  /** HTTP/1.minorVersion. */
  readonly minorVersion: 0 | 1;
}

/** What could not be done is tried again after twice as many answers, but after at most so many times as many more. */
const mostPatience = 256;

/** The answers on one connection, as long as they all go by one name: only such a one is handed over. */
export class Streak implements Addressee {
  readonly authority: string;
  readonly host: string;
  #answers = 0;
  #patience = 1;
  #isBroken = false;

  /** Of a connection that is never to be handed over. */
  static broken(): Streak {
    const streak = new Streak({ authority: '', host: '' });
    streak.break();
    return streak;
  }

  constructor({ authority, host }: Addressee) {
    this.authority = authority;
    this.host = host;
  }

  /** A request was answered in whole. */
  count({ authority, minorVersion }: AnsweredRequest): void {
    // To a worker, HTTP/1.0 is somebody else's.
    if (authority !== this.authority || minorVersion === 0) this.#isBroken = true;
    else this.#answers++;
  }

  /** It is time to try. `after`: so many answers; 0 = never. */
  isDue(after: number): boolean {
    return after > 0 && !this.#isBroken && this.#answers >= after * this.#patience;
  }

  /** It could not be done now: worth another try after twice as many answers, not after each. */
  defer(): void {
    this.#patience += Math.min(this.#patience, mostPatience);
  }

  /** The connection came back. */
  restart(): void {
    this.#answers = 0;
    this.#patience = 1;
  }

  /** It is not to be handed over (again). */
  break(): void {
    this.#isBroken = true;
  }
}

/** Of an app's route: whether its workers may serve connections that the router does not see. */
export function allowsHandoff(route: Pick<AppRoute, 'handoff' | 'next' | 'maxConcurrency'>): boolean {
  const { handoff, next, maxConcurrency } = route;
  // A newer generation's share is kept by the router, request by request, and so is a limit of requests at a time.
  return handoff && next === null && maxConcurrency === 0;
}

export interface HandoffCandidate {
  /** Where it takes connections; null: nowhere. */
  readonly handoff: string | null;
  /** Connections that it has. */
  readonly away: number;
  /** It is given nothing before then. */
  readonly suspendedUntilMs: number;
  readonly handoffPausedUntilMs: number;
}

/** The one that has the fewest connections, the first among equals; undefined where none takes any. */
export function selectTaker<Candidate extends HandoffCandidate>(
  candidates: readonly Candidate[],
  nowMs: number,
): Candidate | undefined {
  let chosen: Candidate | undefined;
  for (const candidate of candidates) {
    const { handoff, away, suspendedUntilMs, handoffPausedUntilMs } = candidate;
    if (handoff === null || suspendedUntilMs > nowMs || handoffPausedUntilMs > nowMs) continue;
    if (chosen === undefined || away < chosen.away) chosen = candidate;
  }
  return chosen;
}

/** What is no reason to move connections: they come and go by themselves. */
const tolerance = 0.25;

/**
 * Of workers that have so many connections each: how many each is to give back, so that one which came later gets its
 * part of those that never end.
 */
export function surpluses(counts: readonly number[]): number[] {
  const fair = Math.ceil(counts.reduce((sum, count) => sum + count, 0) / counts.length);
  const most = fair + Math.max(1, fair * tolerance);
  return counts.map((count) => (count > most ? count - fair : 0));
}

export interface RulesSituation {
  readonly route: AppRoute;
  /** `name/generation` of the worker. */
  readonly instance: string;
  /** The table lists the worker, and not as one that is only tried. */
  readonly isLive: boolean;
  /** Of a router that ends: how long that may take. */
  readonly graceMs: number | undefined;
  readonly settings: RulesSettings;
}

export interface RulesSettings {
  readonly handoffAfter: number;
  readonly idleTimeoutMs: number;
  readonly generationHeader: boolean;
  readonly accessLog: boolean;
}

/**
 * A connection that idles at its worker comes back after so long, for the router keeps the rest of its idle time: what
 * idles there would hold up a worker that is to end, and here it holds up nothing.
 */
const longestIdleMs = 10_000;

function idleMsAtWorker(idleTimeoutMs: number): number {
  return idleTimeoutMs === 0 ? longestIdleMs : Math.min(longestIdleMs, idleTimeoutMs);
}

/** How long a connection that idled at its worker may go on so at the router; 0 = for ever. */
export function idleMsLeft(idleTimeoutMs: number): number {
  return idleTimeoutMs === 0 ? 0 : Math.max(1, idleTimeoutMs - idleMsAtWorker(idleTimeoutMs));
}

export function rulesFor(situation: RulesSituation): HandoffRules {
  const { route, instance, isLive, graceMs, settings } = situation;
  return {
    type: 'rules',
    isServing: isLive && graceMs === undefined && settings.handoffAfter > 0 && allowsHandoff(route),
    limitPost: route.limitPost,
    generation: settings.generationHeader ? instance : null,
    accessLog: settings.accessLog,
    idleMs: idleMsAtWorker(settings.idleTimeoutMs),
    drainMs: graceMs ?? route.drainMs,
  };
}
