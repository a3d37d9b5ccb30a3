// Our router before the same upstream as its peers: one vassal with the key `upstream`.
import type { Scope } from '../../harness/scope.ts';
import { missingBecause, type Missing } from '../missing.ts';
import type { TransportName } from '../speed/settings.ts';
import { siteHost, type Contender, type Site } from './contender.ts';
import { emperorVersion, startEmperor } from './emperor.ts';

/** A transport that this build does not have is missing. */
export async function startOurs(scope: Scope, site: Site, transport: TransportName): Promise<Contender | Missing> {
  const vassal = JSON.stringify({ upstream: `unix:${site.upstream}`, domains: [siteHost] });
  try {
    const emperor = await startEmperor(scope, {
      vassals: { 'site.json': vassal },
      transport,
      accessLog: site.accessLog,
    });
    return await ourContender(emperor);
  } catch (error) {
    if (transport === 'auto') throw error;
    return missingBecause(`Emperor, ${transport}`, 'it did not start', error);
  }
}

/** A running emperor as a contender, named by the transport that it chose. */
export async function ourContender(emperor: Awaited<ReturnType<typeof startEmperor>>): Promise<Contender> {
  const { router } = await emperor.status();
  const name = `Emperor, ${router.transport}`;
  return { name, version: `Emperor ${emperorVersion()} (${router.transport})`, port: emperor.port, pids: router.pids };
}
