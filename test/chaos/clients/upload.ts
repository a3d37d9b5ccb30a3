// Slow uploads in chunks, one after another: most of them straddle whatever happens meanwhile.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Connection } from '../connection.ts';
import { oneByOne, usable, type ClientOptions, type RunClient } from './client.ts';

export const upload: RunClient = async (options) => {
  let connection: Connection | undefined;
  await oneByOne(options, async () => {
    connection = usable(connection, options);
    await uploadOnce(options, connection);
    await options.pace.pause(options.random.waitMs(200));
  });
  connection?.close();
};

async function uploadOnce({ random, pace }: ClientOptions, connection: Connection): Promise<void> {
  let answer = '';
  const { record, ended } = connection.request({
    kind: 'upload',
    method: 'POST',
    path: '/echo',
    fields: ['Transfer-Encoding: chunked'],
    onBody: (bytes) => {
      answer += bytes.toString();
    },
  });
  const digest = createHash('sha256');
  let length = 0;
  const parts = random.integer(5, 25);
  for (let part = 0; part < parts && record.outcome === 'pending'; part += 1) {
    const bytes = Buffer.alloc(random.integer(1, 4000), `${record.id}/${part};`);
    digest.update(bytes);
    length += bytes.length;
    connection.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
    await pace.pause(random.waitMs(80));
  }
  if (record.outcome === 'pending') connection.write('0\r\n\r\n');
  await ended;
  const expected = `${length} ${digest.digest('hex')}`;
  if (record.outcome === 'whole' && record.status === 200 && answer !== expected) {
    record.corruption = `sent ${expected}, the app got ${answer}`;
  }
  // An answer before the end of the upload: the rest of the body was never sent, so the connection is spent.
  if (record.status !== 200) connection.close();
}
