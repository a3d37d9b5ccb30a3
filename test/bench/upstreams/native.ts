// Upstreams of our own, for what nginx does not do by itself: echoing messages, and reading bodies only to forget them.
import { join } from 'node:path';
import { startProcess } from '../../harness/processes.ts';
import type { Scope } from '../../harness/scope.ts';
import { tempDir } from '../../harness/temp-dir.ts';
import { answers } from '../contenders/answers.ts';
import { cores, pinned } from '../cores.ts';
import { compile } from '../load/native-load.ts';

/** Resolves with the path of the socket on which it answers; rejects with NotInstalled. */
export async function startNativeUpstream(scope: Scope, name: 'upload-sink' | 'web-socket-echo'): Promise<string> {
  const upstream = compile(scope, name);
  const socket = join(tempDir(scope), 'up.sock');
  const [program = '', ...args] = pinned(cores.load, [upstream, socket]);
  await answers(name, startProcess(scope, program, args), socket);
  return socket;
}
