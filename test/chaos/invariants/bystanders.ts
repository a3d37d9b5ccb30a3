// Invariant 3: clients of an app see nothing of what is done to others. The bystander is never acted upon: it must be
// served by the same generation and the same workers from beginning to end.
import { bystander } from '../apps.ts';
import { describeExchange, type Invariant, type Violation } from '../evidence.ts';

const invariant = '3: apart';

export const bystanders: Invariant = ({ exchanges }) => {
  const answers = exchanges.filter(({ app, pid }) => app === bystander && pid !== undefined);
  const workers = [...new Set(answers.map(({ pid }) => pid))];
  const known = workers.slice(0, 2);
  return answers
    .filter(({ pid, ownGeneration }) => !known.includes(pid) || ownGeneration !== 1)
    .slice(0, 5)
    .map((exchange): Violation => {
      const what = `the bystander was answered by another worker than ${known.join(' and ')} of generation 1: ${describeExchange(exchange)}`;
      return { invariant, atMs: exchange.headAtMs ?? 0, what };
    });
};
