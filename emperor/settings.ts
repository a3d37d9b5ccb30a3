// What emperor.yaml and the flags say together. Some of it can change while the emperor runs (SIGHUP); the rest is
// compared, so that a change that needs a restart is named instead of being ignored silently.
import type { ConfigureRouter } from '../lib/router-messages.ts';
import type { EmperorConfig } from '../lib/spec/emperor-config.ts';
import type { TransportWish } from '../lib/transport-choice.ts';

/** Flags of `emperor run`; each overrides its key of emperor.yaml. */
export interface RunFlags {
  readonly listen: readonly string[] | undefined;
  readonly admin: string | undefined;
  readonly transport: TransportWish | undefined;
}

export interface Settings {
  readonly listen: readonly string[];
  readonly admin: string | undefined;
  readonly transport: TransportWish;
  readonly config: EmperorConfig;
}

export function mergeSettings(config: EmperorConfig, flags: RunFlags): Settings {
  return {
    listen: flags.listen ?? config.listen,
    admin: flags.admin ?? config.admin,
    transport: flags.transport ?? config.router.transport,
    config,
  };
}

/**
 * Keys that differ between the two and take effect only when the emperor is started again. `canMove`: it can change the
 * addresses it listens on while it runs.
 */
export function keysThatNeedRestart(before: Settings, after: Settings, canMove: boolean): readonly string[] {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    // Without the addon the router binds the addresses itself, and two routers cannot hold one.
    ['listen', before.listen, canMove ? before.listen : after.listen],
    ['admin', before.admin, after.admin],
    ['run-dir', before.config['run-dir'], after.config['run-dir']],
    ['log.format', before.config.log.format, after.config.log.format],
  ];
  return pairs.filter(([, old, now]) => JSON.stringify(old) !== JSON.stringify(now)).map(([key]) => key);
}

/** What every router is told of the settings. */
export function routerSettings({ config }: Settings): ConfigureRouter {
  return {
    type: 'configure',
    router: config.router,
    trustedProxies: config['trusted-proxies'],
    accessLog: config.log.access,
  };
}
