// A run in numbers and sentences: how much of what was asked and done, what was lost by which allowance, what must not
// have been.
import { excuseExchange, excuseIdleEnd } from './allowances.ts';
import { describeExchange, type Evidence, type Violation } from './evidence.ts';
import { isLoss } from './invariants/losses.ts';

export interface Outcome {
  readonly seed: number;
  readonly evidence: Evidence;
  readonly violations: readonly Violation[];
  /** What our processes logged, and the routers' access lines. */
  readonly log: string;
  readonly accessLog: string;
}

const mostShown = 25;
const mostBefore = 4;

export function report({ seed, evidence, violations, accessLog }: Outcome): string {
  const { exchanges, actions, connections, sockets } = evidence;
  const kinds = tally(exchanges.map(({ kind }) => kind));
  const done = tally(actions.map(({ name }) => name));
  const excuses = tally([
    ...exchanges.filter(isLoss).map((exchange) => excuseExchange(exchange, evidence) ?? 'NOT ALLOWED'),
    ...connections
      .filter(({ end, wasIdle, wasToldToClose }) => end !== undefined && wasIdle && !wasToldToClose)
      .map((connection) => `idle: ${excuseIdleEnd(connection, evidence) ?? 'NOT ALLOWED'}`),
  ]);
  const codes = tally(sockets.map(({ closeCode }) => String(closeCode ?? 'none')));
  const lines = [
    `seed ${seed}: ${exchanges.length} requests on ${connections.length} connections, ${actions.length} actions, ${violations.length} violations`,
    `  requests: ${kinds}`,
    `  actions:  ${done}`,
    `  losses:   ${excuses === '' ? 'none' : excuses}`,
    `  WebSockets' close codes: ${codes}`,
    `  straddling a swap: ${straddling(evidence)}`,
    ...violations.slice(0, mostShown).flatMap((violation) => describe(violation, evidence, accessLog)),
    ...(violations.length > mostShown ? [`  … and ${violations.length - mostShown} more`] : []),
  ];
  return lines.join('\n');
}

/** With what came before it on the same connection, and what the routers logged of its request. */
function describe(
  { invariant, atMs, what, connection }: Violation,
  { exchanges }: Evidence,
  accessLog: string,
): string[] {
  const before = exchanges
    .filter((one) => connection !== undefined && one.connection === connection)
    .slice(-mostBefore);
  const id = /\b[a-z]+(?:-[a-z]+)*-\d+\b/.exec(what)?.[0];
  const lines = id === undefined ? [] : accessLog.split('\n').filter((line) => line.includes(`id=${id}"`));
  return [
    `  [${invariant}] at ${Math.round(atMs)} ms: ${what}`,
    ...before.map((exchange) => `      on it: ${describeExchange(exchange)}`),
    ...lines.map((line) => `      ${line}`),
  ];
}

/** Uploads and downloads that were under way while their app's generation changed. */
function straddling({ exchanges, announcements }: Evidence): string {
  const slow = exchanges.filter(
    ({ kind, outcome }) => (kind === 'upload' || kind === 'download') && outcome === 'whole',
  );
  const straddlers = slow.filter(({ app, sentAtMs, endedAtMs }) =>
    announcements.some(
      ({ atMs, event }) =>
        event['type'] === 'deploy' &&
        event['name'] === app &&
        event['result'] === 'live' &&
        atMs > sentAtMs &&
        atMs < (endedAtMs ?? 0),
    ),
  );
  return `${straddlers.length} of ${slow.length} whole uploads and downloads`;
}

function tally(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}
