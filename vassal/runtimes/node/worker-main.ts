// Entry of a Node worker: loads the app, lets the server it exports or opens listen on the inherited sockets, tells
// the primary, and ends in order. Everything else is left as it would be under plain `node app.js`.
import type { Server } from 'node:net';
import { inspect } from 'node:util';
import { messageOf } from '../../../lib/errors.ts';
import type { NativeAddon } from '../../../native/index.ts';
import { workerExit } from '../../../lib/exit-codes.ts';
import { bootVariable, type WorkerMessage } from '../../worker-messages.ts';
import { adoptListen, type Adoption } from './adopt-listen.ts';
import { loadApp, LoadError } from './app-loader.ts';
import { serveExport } from './app-server.ts';
import { EventStreams } from './event-streams.ts';
import { HandoffDoor } from './handoff/door.ts';
import { UpgradedSockets } from './upgraded-sockets.ts';
import { endInOrder } from './worker-end.ts';
import type { WorkerBoot } from './worker-boot.ts';

/** After this the log says that an app which was loaded does not listen. */
const patienceMs = 3000;

const boot = takeBoot();
process.on('disconnect', () => {
  // The primary died. Another one starts workers of its own; two of the same id would share a socket.
  process.exit(workerExit.bootError);
});
// Our listener alone must not keep a process alive whose app has nothing more to do.
process.channel?.unref();
const addon = await loadAddon();
dieWithPrimary();

let served: Server | undefined;
const upgraded = new UpgradedSockets();
const eventStreams = new EventStreams();
const door =
  addon === undefined || boot.handoff === null
    ? undefined
    : new HandoffDoor({
        path: boot.handoff,
        addon,
        worker: boot.worker,
        onServer: (server) => {
          eventStreams.watch(server);
        },
        note,
      });
const adoption = adoptListen(boot, {
  onListening: (server) => {
    served = server;
    upgraded.watch(server);
    eventStreams.watch(server);
    send({ emperor: 'listening', handoff: door?.serve(server) === true });
  },
  onNote: note,
});
const ending = endInOrder({
  signal: boot.stopSignal,
  stopTimeoutMs: boot.stopTimeoutMs,
  adoption,
  giveBack: async () => door?.stop(),
  endStreams: () => {
    upgraded.end();
    eventStreams.end();
    door?.endRelays();
  },
});
await runApp(adoption);

async function runApp(adopted: Adoption): Promise<void> {
  let isLoading = true;
  process.on('uncaughtExceptionMonitor', (error) => {
    if (!isLoading) return;
    send({ emperor: 'cannot-load', message: summary(error) });
    // Node prints the error with its source line and exits with 1: the code tells the primary what it was.
    process.once('exit', () => {
      process.exitCode = workerExit.cannotLoad;
    });
  });
  try {
    const app = await loadApp(boot.app);
    ending.closeWith(app);
    const isServed = await serveExport(app, adopted);
    isLoading = false;
    send({ emperor: 'loaded', serves: isServed || adopted.isAdopted });
    if (!isServed && !adopted.isAdopted) watchForNothing();
  } catch (error) {
    failToLoad(error);
  }
}

/** An app that exports nothing may still call listen() later; once nothing is left to happen, it never will. */
function watchForNothing(): void {
  const nothing = `${boot.app} exports no handler and has not called listen()`;
  process.once('beforeExit', () => {
    if (served !== undefined) return;
    note(`${nothing}, and has nothing more to do`);
    send({ emperor: 'cannot-load', message: `${nothing}, and has nothing more to do` });
    process.exitCode = workerExit.cannotLoad;
  });
  // Many apps listen a moment after they were loaded, when their database is there: nothing to tell then.
  setTimeout(() => {
    if (served === undefined) note(`${nothing} yet: it is ready when it does`);
  }, patienceMs).unref();
}

function failToLoad(error: unknown): void {
  // Thrown again, a syntax error is printed by Node with the line it is in, which its stack does not tell.
  if (error instanceof SyntaxError) {
    process.removeAllListeners('uncaughtException');
    setImmediate(() => {
      throw error;
    });
    return;
  }
  const message = summary(error);
  process.stderr.write(`${error instanceof LoadError ? error.message : inspect(error)}\n`);
  send({ emperor: 'cannot-load', message }, () => {
    process.exit(workerExit.cannotLoad);
  });
}

function takeBoot(): WorkerBoot {
  const text = process.env[bootVariable];
  Reflect.deleteProperty(process.env, bootVariable);
  if (text === undefined || process.send === undefined) {
    process.stderr.write('this program is started by a vassal primary, not by hand\n');
    process.exit(workerExit.bootError);
  }
  return JSON.parse(text) as WorkerBoot;
}

async function loadAddon(): Promise<NativeAddon | undefined> {
  return boot.hasAddon ? (await import('../../../native/index.ts')).native.addon : undefined;
}

/** A worker whose loop is blocked does not see the channel close; the kernel ends it all the same. */
function dieWithPrimary(): void {
  if (!boot.hasAddon) return;
  addon?.setParentDeathSignal(9);
  if (process.ppid !== boot.primaryPid) process.exit(workerExit.bootError);
}

function send(message: WorkerMessage, onSent: () => void = () => undefined): void {
  if (process.connected && process.send !== undefined) process.send(message, onSent);
  else onSent();
}

/** Into the app's log, through standard error like all else. */
function note(text: string): void {
  process.stderr.write(`[emperor] worker ${boot.worker}: ${text}\n`);
}

function summary(error: unknown): string {
  const name = error instanceof Error && !(error instanceof LoadError) ? `${error.name}: ` : '';
  return `${name}${messageOf(error).split('\n', 1)[0] ?? ''}`;
}
