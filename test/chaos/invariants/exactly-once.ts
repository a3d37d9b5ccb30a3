// Invariant 5: a non-idempotent request is executed exactly once if it was answered, and never twice.
import { describeExchange, type Invariant, type Violation } from '../evidence.ts';

const invariant = '5: exactly once';

export const exactlyOnce: Invariant = ({ exchanges, lists }) => {
  const executions = new Map<string, string[]>();
  for (const line of [...lists.values()].flat()) {
    if (line.what !== 'begin') continue;
    const by = `worker ${line.pid} of generation ${line.generation}`;
    executions.set(line.id, [...(executions.get(line.id) ?? []), by]);
  }
  return exchanges
    .filter(({ method }) => method === 'POST')
    .flatMap((exchange): Violation[] => {
      const by = executions.get(exchange.id) ?? [];
      const isAnswered = exchange.status !== undefined && exchange.status < 300;
      if (by.length <= 1 && !(isAnswered && by.length === 0)) return [];
      const what = `executed ${by.length} times (${by.join('; ')}): ${describeExchange(exchange)}`;
      return [{ invariant, atMs: exchange.sentAtMs, what }];
    });
};
