// Invariant 2: every answer bears its generation; no client goes back to an older one but for an announced turn; once a
// deploy is reported done, no request that is sent later is answered by what it replaced.
import { describeExchange, type Evidence, type Invariant, type Violation } from '../evidence.ts';
import { statementsOf, type Statement } from '../generations.ts';
import type { ExchangeRecord } from '../record.ts';

const invariant = '2: generations only go forward';
/** An announcement and an answer travel to us on two ways. */
const skewMs = 1000;
/** Apps whose whole traffic changes at once. */
const atOnce = new Set(['shop', 'calm']);

interface Answer extends ExchangeRecord {
  readonly headAtMs: number;
  readonly ownGeneration: number;
}

export const monotonic: Invariant = (evidence) => {
  const answers = evidence.exchanges.filter(
    (exchange): exchange is Answer => exchange.headAtMs !== undefined && exchange.ownGeneration !== undefined,
  );
  const apps = [...new Set(answers.map(({ app }) => app))];
  return [
    ...answers.filter(isMislabelled).slice(0, 5).map(violation('the header names another generation, or none')),
    ...apps.flatMap((app) => {
      const own = answers.filter((answer) => answer.app === app);
      const statements = statementsOf(evidence.announcements, app);
      return [
        ...perConnection(own, statements),
        ...afterReports(own, statements),
        ...(atOnce.has(app) && evidence.routers === 1 ? acrossConnections(own, statements, evidence) : []),
      ];
    }),
  ];
};

function isMislabelled({ app, ownGeneration, generation }: Answer): boolean {
  return generation !== `${app}/${ownGeneration}`;
}

function perConnection(answers: readonly Answer[], statements: readonly Statement[]): Violation[] {
  const last = new Map<number, Answer>();
  return answers
    .toSorted((a, b) => a.headAtMs - b.headAtMs)
    .filter((answer) => {
      const before = last.get(answer.connection.id);
      last.set(answer.connection.id, answer);
      return before !== undefined && goesBack(before, answer, statements);
    })
    .map(violation('its connection was served by a later generation before'));
}

function afterReports(answers: readonly Answer[], statements: readonly Statement[]): Violation[] {
  return answers
    .filter((answer) => {
      const report = statements.findLast(({ atMs, kind }) => kind === 'live' && atMs < answer.sentAtMs);
      if (report === undefined || answer.ownGeneration >= report.generation) return false;
      return !isAnnounced(answer, report, statements);
    })
    .map(violation('a later generation was reported live before it was sent'));
}

/** With one router the swap is one moment for all clients, unless a router is replaced meanwhile. */
function acrossConnections(
  answers: readonly Answer[],
  statements: readonly Statement[],
  { actions, faults }: Evidence,
): Violation[] {
  const byHead = answers.toSorted((a, b) => a.headAtMs - b.headAtMs);
  const bySent = answers.toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  let seen = 0;
  let highest: Answer | undefined;
  return bySent
    .filter((answer) => {
      for (let next = byHead[seen]; next !== undefined && next.headAtMs < answer.sentAtMs; next = byHead[seen]) {
        if (highest === undefined || next.ownGeneration > highest.ownGeneration) highest = next;
        else if (next.ownGeneration < highest.ownGeneration && !goesBack(highest, next, statements)) highest = next;
        seen += 1;
      }
      if (highest === undefined || !goesBack(highest, answer, statements)) return false;
      const fromMs = highest.sentAtMs;
      const replaced =
        faults.some(({ kind, atMs }) => kind === 'router' && atMs >= fromMs - skewMs && atMs <= answer.headAtMs) ||
        actions.some(({ name, startedAtMs }) => name === 'upgrade' && startedAtMs <= answer.headAtMs);
      return !replaced;
    })
    .map(violation('another client was served by a later generation before it was sent'));
}

function goesBack(before: Answer, after: Answer, statements: readonly Statement[]): boolean {
  const from = { generation: before.ownGeneration, atMs: before.sentAtMs };
  return after.ownGeneration < before.ownGeneration && !isAnnounced(after, from, statements);
}

/** True if it was announced that the older generation serves again, or that the later one (`from`) is given up. */
function isAnnounced(
  answer: Answer,
  from: { readonly generation: number; readonly atMs: number },
  statements: readonly Statement[],
): boolean {
  return statements.some(({ atMs, generation, kind }) => {
    const isTurn = kind === 'failed' ? generation === from.generation : generation === answer.ownGeneration;
    return kind !== 'first' && isTurn && atMs >= from.atMs - skewMs && atMs <= answer.headAtMs + skewMs;
  });
}

const violation =
  (what: string) =>
  (answer: Answer): Violation => ({
    invariant,
    atMs: answer.headAtMs,
    what: `${what}: ${describeExchange(answer)}`,
    connection: answer.connection,
  });
