// What became of every request, and the figures that follow from it. Pure.
import { median, percentile } from '../statistics.ts';

/** One request: when it was sent, when its outcome was known, and the version that answered or what went wrong. */
export interface Exchange {
  readonly startMs: number;
  readonly endMs: number;
  readonly version: string | undefined;
  readonly fault: string | undefined;
}

/** One deploy: when it was saved and when the first answer of its version had arrived. */
export interface Deploy {
  readonly version: string;
  readonly savedMs: number;
  readonly servedMs: number;
}

/** A stretch of uninterrupted load. */
export interface Block {
  readonly startMs: number;
  readonly endMs: number;
  readonly exchanges: readonly Exchange[];
  readonly deploys: readonly Deploy[];
  /** From saving the broken release until the next good one was saved, and served. */
  readonly broken: BrokenDeploy | undefined;
}

export interface BrokenDeploy {
  readonly savedMs: number;
  readonly fixSavedMs: number;
  readonly fixServedMs: number;
  /** The version that was served before. */
  readonly previous: string;
}

export interface Figures {
  readonly requests: number;
  /** Of the good deploys and the time between them. */
  readonly lost: number;
  /** The longest time in which no good answer arrived, the broken deploy apart. */
  readonly longestGapMs: number;
  readonly servedMedianMs: number;
  readonly servedP99Ms: number;
  /** From the first answer of a new version to the last request that an older one answered. */
  readonly mixedMedianMs: number;
  readonly deploys: number;
  readonly broken: BrokenFigures | undefined;
  /** What went wrong how often, over all. */
  readonly faults: ReadonlyMap<string, number>;
}

export interface BrokenFigures {
  readonly requests: number;
  readonly lost: number;
  readonly longestGapMs: number;
  /** Of the requests that were sent in the last second before the fix: did the old version answer all, some or none? */
  readonly oldServes: 'all' | 'some' | 'none';
}

/** How long before the fix it is looked whether the old version serves. */
const lookMs = 1000;

export function figuresOf(blocks: readonly Block[]): Figures {
  const all = blocks.flatMap(({ exchanges }) => exchanges);
  const inBroken = new Set(blocks.flatMap((block) => brokenExchanges(block)));
  const times = blocks.flatMap(({ deploys }) => deploys.map(({ savedMs, servedMs }) => servedMs - savedMs));
  return {
    requests: all.length,
    lost: all.filter((one) => one.fault !== undefined && !inBroken.has(one)).length,
    longestGapMs: Math.max(0, ...blocks.flatMap((block) => goodSpans(block).map((span) => longestGap(block, span)))),
    servedMedianMs: median(times),
    servedP99Ms: percentile(times, 99),
    mixedMedianMs: median(blocks.flatMap((block) => block.deploys.map((deploy) => mixedMs(block, deploy)))),
    deploys: times.length,
    broken: blocks.map(brokenFigures).find((figures) => figures !== undefined),
    faults: countFaults(all),
  };
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A broken release has its say until it is replaced: by then the system serves on, or is down until the fix is served. */
function brokenSpan({ exchanges, broken }: Block): Span | undefined {
  if (broken === undefined) return undefined;
  const { savedMs, fixSavedMs, fixServedMs } = broken;
  const isDown = exchanges.some(
    ({ fault, startMs }) => fault !== undefined && startMs >= fixSavedMs - lookMs && startMs < fixSavedMs,
  );
  return { fromMs: savedMs, toMs: isDown ? fixServedMs : fixSavedMs };
}

function goodSpans(block: Block): Span[] {
  const { startMs, endMs } = block;
  const broken = brokenSpan(block);
  if (broken === undefined) return [{ fromMs: startMs, toMs: endMs }];
  return [
    { fromMs: startMs, toMs: broken.fromMs },
    { fromMs: broken.toMs, toMs: endMs },
  ];
}

function brokenExchanges(block: Block): Exchange[] {
  const span = brokenSpan(block);
  if (span === undefined) return [];
  return block.exchanges.filter(({ startMs }) => startMs >= span.fromMs && startMs < span.toMs);
}

function brokenFigures(block: Block): BrokenFigures | undefined {
  const span = brokenSpan(block);
  const { broken } = block;
  if (span === undefined || broken === undefined) return undefined;
  const sent = brokenExchanges(block);
  const last = sent.filter(({ startMs }) => startMs >= broken.fixSavedMs - lookMs && startMs < broken.fixSavedMs);
  const byOld = last.filter(({ version }) => version === broken.previous).length;
  return {
    requests: sent.length,
    lost: sent.filter(({ fault }) => fault !== undefined).length,
    longestGapMs: longestGap(block, span),
    oldServes: byOld === 0 ? 'none' : byOld === last.length ? 'all' : 'some',
  };
}

/** The longest time within the span in which no good answer arrived. */
function longestGap({ exchanges }: Block, { fromMs, toMs }: Span): number {
  const arrivals = exchanges
    .filter(({ fault, endMs }) => fault === undefined && endMs >= fromMs && endMs <= toMs)
    .map(({ endMs }) => endMs)
    .sort((a, b) => a - b);
  let gap = 0;
  let lastMs = fromMs;
  for (const arrivalMs of [...arrivals, toMs]) {
    gap = Math.max(gap, arrivalMs - lastMs);
    lastMs = arrivalMs;
  }
  return gap;
}

/** How long requests that were sent after the first answer of the new version were still answered by an older one. */
function mixedMs({ exchanges, deploys }: Block, { version, servedMs }: Deploy): number {
  const nextMs = deploys.find(({ savedMs }) => savedMs > servedMs)?.savedMs ?? Infinity;
  const old = exchanges.filter(
    (one) => one.version !== undefined && one.version !== version && one.startMs > servedMs && one.startMs < nextMs,
  );
  return Math.max(0, ...old.map(({ startMs }) => startMs - servedMs));
}

function countFaults(exchanges: readonly Exchange[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { fault } of exchanges) if (fault !== undefined) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  return counts;
}
