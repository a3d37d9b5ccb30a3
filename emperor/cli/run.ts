// emperor run [DIR]: serves a directory until it is told to end. It puts flags and emperor.yaml together and starts
// the emperor with them.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { entryPoints } from '../../lib/entry-points.ts';
import { messageOf } from '../../lib/errors.ts';
import { cliExit } from '../../lib/exit-codes.ts';
import { createLogger, type LogOptions, type Logger } from '../../lib/log.ts';
import { parseAddress } from '../../lib/address.ts';
import type { EmperorConfig } from '../../lib/spec/emperor-config.ts';
import { transportWishes, type TransportWish } from '../../lib/transport-choice.ts';
import { formatProblem } from '../config/problem.ts';
import { readSourceLine } from '../config/source-line.ts';
import { native } from '../../native/index.ts';
import { Emperor } from '../emperor.ts';
import { takeHandover } from '../handover.ts';
import { describeProblem } from '../problem-text.ts';
import { mergeSettings, type RunFlags } from '../settings.ts';
import { transportProblem } from '../transport-problem.ts';
import { preflightFlag } from '../own-program.ts';
import { version } from '../version.ts';
import { Announcer } from './announcer.ts';
import { configOption, defaultConfig, defaultDirectory, readConfig, type ConfigFlag } from './config-flag.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { Signals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { runDirOf, runDirOption, type AddVerb, type RunDirFlag, type VerbContext } from './verb.ts';

interface Flags extends RunDirFlag, ConfigFlag {
  readonly listen?: readonly string[];
  readonly admin?: string;
  readonly transport?: TransportWish;
  readonly preflight?: boolean;
}

export const addRun: AddVerb = (program, context) => {
  program
    .command('run [dir]')
    .description(`serve the apps of a directory (default: ${defaultDirectory})`)
    .addOption(configOption())
    .option('--listen <address>', 'an address that clients connect to; can be repeated', collectAddress)
    .addOption(runDirOption())
    .option('--admin <address>', 'a loopback address that answers GET /status', checkAddress)
    .addOption(new Option('--transport <name>', 'how routers move bytes (default: auto)').choices(transportWishes))
    .addOption(new Option(preflightFlag, 'start as for an upgrade, say which version it is, and end').hideHelp())
    .action(async (dir: string | undefined, flags: Flags) => {
      await run(resolve(dir ?? defaultDirectory), flags, context);
    });
};

async function run(directory: string, flags: Flags, context: VerbContext): Promise<void> {
  const { terminal, exitWith } = context;
  const config = await configOrProblems(flags.config, terminal);
  if (config === undefined) {
    exitWith(cliExit.badConfig);
    return;
  }
  const runFlags: RunFlags = { listen: flags.listen, admin: flags.admin, transport: flags.transport };
  const settings = mergeSettings(config, runFlags);
  const problem = transportProblem(settings, transportSource(flags));
  if (problem !== undefined) throw problem;
  if (flags.preflight === true) {
    preflight(context);
    return;
  }
  const handover = takeHandover(process.env);
  const logOptions = logOptionsOf(config);
  const log = createLogger('emperor', logOptions);
  exitOnBug(log);
  const signals = new Signals(log, systemClock);
  const emperor = await Emperor.start({
    directory,
    runDir: resolve(flags.runDir ?? config['run-dir'] ?? runDirOf(flags, terminal)),
    settings,
    handover,
    logOptions,
    log,
    clock: systemClock,
    random: Math.random,
  });
  const announcer = new Announcer({ terminal, clock: systemClock, cwd: process.cwd(), status: () => emperor.status() });
  emperor.hub.subscribe((event) => {
    announcer.onEvent(event);
  });
  const hangUp = oneAtATime(async () => readAgain(emperor, { flags, runFlags, log }));
  signals.obey(emperor, hangUp);
  await emperor.ended;
}

/**
 * Asked by a running emperor before it lets this code take its place: by now the modules are loaded and the flags and
 * emperor.yaml are accepted. What is left to fail would fail after the point of no return.
 */
function preflight({ terminal, exitWith }: VerbContext): void {
  const absent = [entryPoints.router, entryPoints.vassal].filter((path) => !existsSync(path));
  if (absent.length === 0 && native.addon !== undefined) {
    terminal.out(`${JSON.stringify({ version })}\n`);
    return;
  }
  exitWith(cliExit.failed);
  if (native.missing !== undefined) terminal.err(`the native addon does not load: ${native.missing}\n`);
  for (const path of absent) terminal.err(`${path} is missing\n`);
}

async function configOrProblems(path: string | undefined, terminal: Terminal): Promise<EmperorConfig | undefined> {
  const file = await readConfig(path);
  if (file.state === 'valid') return file.config;
  for (const problem of file.problems) terminal.err(`${formatProblem(problem, await readSourceLine(problem))}\n`);
  return undefined;
}

/** SIGHUP: emperor.yaml and the directory are read again; a bad emperor.yaml changes nothing. */
async function readAgain(
  emperor: Emperor,
  { flags, runFlags, log }: { readonly flags: Flags; readonly runFlags: RunFlags; readonly log: Logger },
): Promise<void> {
  const file = await readConfig(flags.config);
  if (file.state === 'invalid') {
    for (const problem of file.problems) log.error({ problem }, describeProblem(problem, process.cwd()));
    emperor.rescan();
    return;
  }
  const settings = mergeSettings(file.config, runFlags);
  const problem = transportProblem(settings, transportSource(flags));
  if (problem !== undefined) {
    log.error({ code: problem.code, hint: problem.hint }, `${problem.message}; nothing of emperor.yaml was taken over`);
    emperor.rescan();
    return;
  }
  const ignored = emperor.adjust(settings);
  if (ignored.length > 0)
    log.warn({ keys: ignored }, 'these keys of emperor.yaml changed, and need a restart to take effect');
  log.info('emperor.yaml was read again');
}

/** Where the transport was asked for, as the user wrote it. */
function transportSource({ transport, config }: Flags): string {
  return transport === undefined ? `router.transport in ${config ?? defaultConfig}` : '--transport';
}

/** A bug ends us, and says so; children go on, and the next emperor adopts them. */
function exitOnBug(log: Logger): void {
  const die = (error: unknown): void => {
    log.fatal({ err: error }, `bug: ${messageOf(error)}`);
    process.exit(cliExit.failed);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function logOptionsOf({ log }: EmperorConfig): LogOptions {
  const format = log.format === 'auto' ? (process.stderr.isTTY ? 'pretty' : 'json') : log.format;
  return { level: log.level, format };
}

function checkAddress(text: string): string {
  const address = parseAddress(text);
  if (typeof address === 'string') throw new InvalidArgumentError(address);
  return text;
}

function collectAddress(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), checkAddress(text)];
}
