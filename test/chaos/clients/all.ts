// The load on one app: every kind of client at a modest rate.
import type { Random } from '../random.ts';
import type { ClientOptions, RunClient } from './client.ts';
import { download } from './download.ts';
import { eventStream } from './event-stream.ts';
import { getOnKeptConnections, getOnNewConnections } from './get.ts';
import { idle } from './idle.ts';
import { post } from './post.ts';
import { upload } from './upload.ts';
import { webSocket } from './web-socket.ts';

const clients: readonly { readonly name: string; readonly run: RunClient; readonly count: number }[] = [
  { name: 'get', run: getOnKeptConnections, count: 1 },
  { name: 'get-new', run: getOnNewConnections, count: 1 },
  { name: 'post', run: post, count: 1 },
  { name: 'upload', run: upload, count: 2 },
  { name: 'download', run: download, count: 2 },
  { name: 'idle', run: idle, count: 15 },
  { name: 'web-socket', run: webSocket, count: 4 },
  { name: 'event-stream', run: eventStream, count: 2 },
];

/** Resolves when the load is over and the last answer came. */
export async function loadApp(options: Omit<ClientOptions, 'random'> & { readonly random: Random }): Promise<void> {
  const running = clients.flatMap(({ name, run, count }) =>
    Array.from({ length: count }, async (_, index) =>
      run({ ...options, random: options.random.fork(`${options.app} ${name} ${index}`) }),
    ),
  );
  await Promise.all(running);
}
