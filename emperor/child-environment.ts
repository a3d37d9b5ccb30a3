// What children inherit of our environment: not what was meant for us alone.
import { formatLogOptions, logVariable, type LogOptions } from '../lib/log.ts';

const ours = new Set([
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'MAINPID',
]);

export function childEnvironment(own: NodeJS.ProcessEnv, logOptions: LogOptions): NodeJS.ProcessEnv {
  const rest = Object.entries(own).filter(([name]) => !ours.has(name));
  return { ...Object.fromEntries(rest), [logVariable]: formatLogOptions(logOptions) };
}
