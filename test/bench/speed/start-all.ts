// Starts ours and every peer before one upstream; who is missing is told and does not count as a failure.
import type { Scope } from '../../harness/scope.ts';
import { startCaddy } from '../contenders/caddy.ts';
import type { Contender, Site, StartContender } from '../contenders/contender.ts';
import { startHaproxy } from '../contenders/haproxy.ts';
import { startNginx } from '../contenders/nginx.ts';
import { startOurs } from '../contenders/ours.ts';
import { startUwsgi } from '../contenders/uwsgi.ts';
import { isMissing, missingBecause, type Missing } from '../missing.ts';
import type { OneOf } from './measure-case.ts';
import type { Settings } from './settings.ts';

const starters: readonly (readonly [name: string, start: StartContender])[] = [
  ['nginx', startNginx],
  ['HAProxy', startHaproxy],
  ['uWSGI http router', startUwsgi],
  ['Caddy', startCaddy],
];

/**
 * `without`: peers that cannot do what is asked here, and why. A transport that turns out to be the one that runs
 * already takes no part a second time.
 */
export async function startAll(
  scope: Scope,
  site: Site,
  settings: Settings,
  without: Readonly<Record<string, string>> = {},
): Promise<readonly (OneOf | Missing)[]> {
  const all: (OneOf | Missing)[] = [];
  for (const transport of settings.transports) {
    const ours = await startOurs(scope, site, transport);
    if (all.every(({ name }) => name !== ours.name)) all.push(isMissing(ours) ? ours : { ...ours, isOurs: true });
  }
  return [...all, ...(await startPeers(scope, site, settings, without))];
}

export async function startPeers(
  scope: Scope,
  site: Site,
  { peers }: Settings,
  without: Readonly<Record<string, string>> = {},
): Promise<readonly (OneOf | Missing)[]> {
  const all: (OneOf | Missing)[] = [];
  for (const [name, start] of starters) {
    if (peers !== undefined && !peers.includes(shortName(name))) continue;
    const why = without[name];
    const peer = why === undefined ? await startPeer(name, () => start(scope, site)) : { name, missing: why };
    all.push(isMissing(peer) ? peer : { ...peer, isOurs: false });
  }
  return all;
}

/** What the command line calls the peers. */
export const peerNames: readonly string[] = starters.map(([name]) => shortName(name));

function shortName(name: string): string {
  return name.toLowerCase().split(' ')[0] ?? name;
}

async function startPeer(name: string, start: () => Promise<Contender | Missing>): Promise<Contender | Missing> {
  try {
    return await start();
  } catch (error) {
    return missingBecause(name, 'it did not start', error);
  }
}
