// node idle.js PORT HOST COUNT: opens so many connections, says `idle` when all of them were answered and do nothing any
// more, and ends them when standard input ends. Then it tells its counts: a connection that somebody else closed is a failure. A
// process of its own, for a process may have only so many descriptors.
import { Conversation } from './conversation.ts';
import { idleKind, Tally } from './tally.ts';

/** So many at a time: listen queues are short, and this is to be no load. */
const width = 20;
/** One address has some 28,000 ports. */
const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
/** One in so many asks until it was handed over to a worker, idles there, and comes back. */
const handedOver = 5;
const asksUntilThen = 4;

const [port, host = '', count] = process.argv.slice(2);
const tally = new Tally();
const open: Conversation[] = [];

for (let at = 0; at < Number(count); at += width) {
  const size = Math.min(width, Number(count) - at);
  await Promise.all(Array.from({ length: size }, async (_unused, index) => idle(at + index)));
}
process.stdout.write('idle\n');
process.stdin.on('end', () => void end());
process.stdin.resume();

async function idle(nth: number): Promise<void> {
  const conversation = await Conversation.open({
    port: Number(port),
    host,
    from: addresses[nth % addresses.length] ?? '127.0.0.1',
  });
  open.push(conversation);
  for (let asked = 0; asked < (nth % handedOver === 0 ? asksUntilThen : 1); asked++) {
    await tally.count('a request before idling', async () => {
      const { status } = await conversation.ask('/small');
      if (status !== 200) throw new Error(`answered ${status}`);
    });
  }
}

async function end(): Promise<void> {
  const lost = open.filter(({ isClosed }) => isClosed).length;
  for (let nth = 0; nth < lost; nth++) tally.fail('a connection that idled was closed');
  await Promise.all(open.map(async (conversation) => conversation.finish('close')));
  tally.countEnded(idleKind, open.length);
  process.stdout.write(`${JSON.stringify(tally)}\n`);
}
