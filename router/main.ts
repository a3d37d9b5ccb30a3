// Entry of the router process: reads its arguments, wires transport, server and control link, and ends when the
// emperor says so. It decides nothing about requests.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { listenersVariable, parseListeners } from '../lib/listeners.ts';
import { createLogger, logVariable, parseLogOptions } from '../lib/log.ts';
import { isTransportWish } from '../lib/transport-choice.ts';
import { tuneCompiler } from './compiler.ts';
import { ControlLink } from './edge/control-link.ts';
import { Server } from './edge/server.ts';
import { createTransport } from './transports/choose.ts';

/** What a router asked to end by a signal, and not by the emperor, gives running requests and idle connections. */
const signalGraceMs = 30_000;
const signalIdleMs = 500;
const lastWordMs = 50;

const { values } = parseArgs({
  options: { id: { type: 'string' }, control: { type: 'string' }, transport: { type: 'string', default: 'auto' } },
});
const id = Number(values.id);
const { control, transport: wish } = values;
if (control === undefined || !Number.isSafeInteger(id) || !isTransportWish(wish)) {
  process.stderr.write(
    'usage: main.js --id NUMBER --control SOCKET [--transport auto|reactor|portable] (the emperor starts this program)\n',
  );
  process.exit(2);
}

tuneCompiler();
const log = createLogger('router', parseLogOptions(process.env[logVariable])).child({ router: id });
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'the router has a bug and ends');
  process.exit(1);
});
// Ctrl-C reaches every process of a terminal at once; the emperor then asks us to end, in its order.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => {
  end(signalGraceMs, signalIdleMs);
});

const transport = createTransport(wish);
if (typeof transport === 'string') {
  log.fatal({ problem: transport }, 'the transport that was asked for cannot be had');
  process.exit(1);
}
const server = new Server({
  transport,
  clock: systemClock,
  log,
  idPrefix: randomBytes(4).toString('hex'),
  random: Math.random,
  onBusyChange: () => {
    link.reportApplied();
  },
});

try {
  await server.bind(parseListeners(process.env[listenersVariable]));
} catch (error) {
  log.fatal({ problem: messageOf(error) }, 'cannot listen');
  process.exit(1);
}
const link = new ControlLink({
  path: control,
  id,
  transport,
  server,
  clock: systemClock,
  log,
  random: Math.random,
  onShutdown: end,
});

/** May be called again: the router then ends sooner. */
function end(graceMs: number, idleMs: number): void {
  const isFirst = !server.isEnding;
  const ended = server.shutdown(graceMs, idleMs);
  if (!isFirst) return;
  // A shutdown that fails is a bug and ends in uncaughtException, like any other.
  void ended.then((isLogWritten) => {
    link.stop();
    // What the link still says must leave before the process does.
    setTimeout(() => {
      if (isLogWritten) process.exit(0);
      // libuv's exit waits for the thread that is stuck in the write to standard output.
      log.warn('nobody reads standard output; the router ends with access lines unwritten');
      process.kill(process.pid, 'SIGKILL');
    }, lastWordMs);
  });
}
