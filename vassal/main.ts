// Entry of a vassal primary: reads its options, dials the emperor, and runs the app it is told to run. It has no
// state of its own beyond that, so an emperor that comes back hears everything in the next hello.
import { parseArgs } from 'node:util';
import { systemClock } from '../lib/clock.ts';
import { Dialer } from '../lib/dialer.ts';
import { workerExit } from '../lib/exit-codes.ts';
import { logVariable, parseLogOptions } from '../lib/log.ts';
import { createVassalLogger, type Logger } from './log.ts';
import { Vassal } from './vassal.ts';

const lastWordsMs = 1000;
const logger = createVassalLogger(parseLogOptions(process.env[logVariable]));

process.on('uncaughtException', (error) => {
  // Workers end with us: their IPC channel closes, and the kernel tells those that have none.
  logger.fatal(error, 'bug in the vassal: uncaught exception');
  process.exit(workerExit.bootError);
});
process.on('unhandledRejection', (reason) => {
  logger.fatal({ reason }, 'bug in the vassal: unhandled rejection');
  process.exit(workerExit.bootError);
});

const options = readOptions();
if (typeof options === 'string') {
  logger.fatal(`${options}; usage: main.js --name NAME --generation NUMBER --control PATH`);
  process.exit(workerExit.bootError);
}
run(options, logger.child({ app: options.name, generation: options.generation }));

interface Options {
  readonly name: string;
  readonly generation: number;
  readonly control: string;
}

function run({ name, generation, control }: Options, log: Logger): void {
  const vassal = new Vassal({
    name,
    generation,
    env: process.env,
    logger: log,
    clock: systemClock,
    random: Math.random,
    dial: (events) => new Dialer({ path: control, clock: systemClock, random: Math.random, ...events }),
    exit: (code) => {
      // By itself, once the last message is with the emperor; an emperor that does not read cannot hold it long.
      process.exitCode = code;
      setTimeout(() => {
        process.exit(code);
      }, lastWordsMs).unref();
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      vassal.stop(signal);
    });
  }
}

function readOptions(): Options | string {
  const string = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ options: { name: string, generation: string, control: string } });
    const { name, generation, control } = values;
    if (name === undefined || control === undefined) return 'an option is missing';
    if (!/^\d+$/.test(generation ?? '')) return '--generation is no number';
    return { name, generation: Number(generation), control };
  } catch (error) {
    return String(error);
  }
}
