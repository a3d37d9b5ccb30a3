// Server-sent events: a stream that never ends by itself. When it ends it is opened again, as a browser does.
import { Buffer } from 'node:buffer';
import { oneByOne, open, type RunClient } from './client.ts';

export const eventStream: RunClient = async (options) => {
  const { random, pace } = options;
  await oneByOne(options, async () => {
    const connection = open(options);
    let rest = '';
    let next = 0;
    let onAnswered = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      onAnswered = resolve;
    });
    const { record, ended } = connection.request({
      kind: 'event-stream',
      path: '/events',
      fields: ['Accept: text/event-stream'],
      onHead: () => {
        onAnswered();
      },
      onBody: (bytes: Buffer) => {
        if (record.status !== 200) return;
        const events = (rest + bytes.toString()).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) {
          if (event !== `data: ${next}`) record.corruption ??= `got ${JSON.stringify(event)} for tick ${next}`;
          next += 1;
        }
      },
    });
    while (record.outcome === 'pending' && !pace.isOver) await Promise.race([ended, pace.pause(1000)]);
    // Who leaves before it was answered does not know what it would have been answered.
    await Promise.race([ended, answered]);
    if (record.outcome !== 'pending' && record.status === 200 && rest !== '') {
      record.corruption ??= `it ended within an event: ${JSON.stringify(rest)}`;
    }
    connection.close();
    await pace.pause(random.waitMs(100));
  });
};
