// Invariant 4, as far as it shows during chaos: a WebSocket echoes until it is closed by 1001 or 1012, and only because
// its generation or its router goes.
import { excuseExchange, wasDrained, type Excuse } from '../allowances.ts';
import { describeExchange, ms, type Evidence, type Invariant, type Violation } from '../evidence.ts';
import type { SocketRecord } from '../record.ts';

const invariant = '4: WebSockets echo until they are closed properly';
/** An echo takes so long at most on a busy machine. */
const echoMs = 5000;

export const webSockets: Invariant = (evidence) =>
  evidence.sockets.flatMap((socket): Violation[] => {
    const { exchange, closeAtMs } = socket;
    const atMs = closeAtMs ?? exchange.endedAtMs ?? 0;
    const problems = [
      socket.corruption,
      isSilent(socket, atMs) ? `no echo since ${ms(socket.lastEchoAtMs)}` : undefined,
      wrongClose(socket, evidence),
    ];
    return problems
      .filter((problem) => problem !== undefined)
      .map((problem) => ({ invariant, atMs, what: `${problem}: ${describeExchange(exchange)}` }));
  });

function wrongClose({ exchange, closeCode }: SocketRecord, evidence: Evidence): string | undefined {
  if (closeCode === undefined) {
    const isAllowed = exchange.outcome !== 'cut' || violent.has(excuseExchange(exchange, evidence));
    return isAllowed ? undefined : 'it ended without a close frame';
  }
  if (closeCode !== 1001 && closeCode !== 1012) return `close code ${closeCode}`;
  return wasDrained(exchange, evidence) ? undefined : `closed (${closeCode}) for no reason`;
}

/** What leaves no time for a close frame. */
const violent = new Set<Excuse | undefined>(['router killed', 'worker died', 'ports lost']);

function isSilent({ lastSentAtMs, lastEchoAtMs }: SocketRecord, endMs: number): boolean {
  return lastEchoAtMs < lastSentAtMs && endMs - lastSentAtMs > echoMs;
}
