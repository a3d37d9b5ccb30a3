// POSTs with a whole body on kept-alive connections. The app lists each execution, and answers with what it got.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Connection } from '../connection.ts';
import { openLoop, usable, type RunClient } from './client.ts';

export const post: RunClient = async (options) => {
  const { random } = options;
  const idle: Connection[] = [];
  await openLoop(options, 8, async () => {
    const connection = usable(idle.shift(), options);
    const body = Buffer.alloc(random.chance(0.1) ? random.integer(50_000, 200_000) : random.integer(0, 2000), 'post');
    const expected = `${body.length} ${createHash('sha256').update(body).digest('hex')}`;
    let answer = '';
    const { record, ended } = connection.request({
      kind: 'post',
      method: 'POST',
      path: `/echo?ms=${random.integer(0, 60)}`,
      body,
      onBody: (bytes) => {
        answer += bytes.toString();
      },
    });
    await ended;
    if (record.outcome === 'whole' && record.status === 200 && answer !== expected) {
      record.corruption = `sent ${expected}, the app got ${answer}`;
    }
    idle.push(connection);
  });
  for (const connection of idle) connection.close();
};
