// Slow downloads, one after another, whose every byte is known beforehand. Some clients read slowly, so that bytes wait
// in our processes while things happen.
import type { Connection } from '../connection.ts';
import { expectedBytes } from '../server-source.ts';
import { oneByOne, usable, type ClientOptions, type RunClient } from './client.ts';

export const download: RunClient = async (options) => {
  let connection: Connection | undefined;
  await oneByOne(options, async () => {
    connection = usable(connection, options);
    await downloadOnce(options, connection);
    await options.pace.pause(options.random.waitMs(200));
  });
  connection?.close();
};

async function downloadOnce({ random, pace }: ClientOptions, connection: Connection): Promise<void> {
  const seed = random.integer(0, 1_000_000);
  const size = 4 * random.integer(1000, 100_000);
  const isSlowReader = random.chance(0.3);
  let at = 0;
  let wrongAt: number | undefined;
  const { record, ended } = connection.request({
    kind: 'download',
    path: `/download?seed=${seed}&size=${size}&ms=${random.integer(200, 2500)}`,
    onBody: (bytes) => {
      if (record.status === 200 && !bytes.equals(expectedBytes(seed, at, bytes.length))) wrongAt ??= at;
      at += bytes.length;
    },
  });
  while (isSlowReader && record.outcome === 'pending' && !pace.isOver) {
    connection.hold(true);
    await pace.pause(random.integer(50, 300));
    connection.hold(false);
    await pace.pause(random.integer(20, 100));
  }
  await ended;
  if (record.status !== 200) return;
  if (wrongAt !== undefined) record.corruption = `wrong bytes after ${wrongAt} of ${size}`;
  else if (record.outcome === 'whole' && at !== size) record.corruption = `${at} bytes of ${size}`;
}
