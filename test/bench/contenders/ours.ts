// Our router before the same upstream as its peers: one vassal with the key `upstream`.
import type { Scope } from '../../harness/scope.ts';
import type { EmperorProcess } from '../../harness/emperor-process.ts';
import { GarbageCollector } from '../garbage.ts';
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
      isInspectable: site.isInspectable === true,
    });
    const contender = await ourContender(emperor);
    return site.isInspectable === true ? collecting(contender, emperor) : contender;
  } catch (error) {
    if (transport === 'auto') throw error;
    return missingBecause(`Emperor, ${transport}`, 'it did not start', error);
  }
}

function collecting(contender: Contender, emperor: EmperorProcess): Contender {
  const collectors = contender.pids.map((pid) => new GarbageCollector(pid, () => emperor.process.stderr));
  const collectGarbage = async (): Promise<void> => {
    for (const collector of collectors) await collector.collect();
  };
  return { ...contender, collectGarbage };
}

/** A running emperor as a contender, named by the transport that it chose. */
export async function ourContender(emperor: Awaited<ReturnType<typeof startEmperor>>): Promise<Contender> {
  const { router } = await emperor.status();
  const name = `Emperor, ${router.transport}`;
  return { name, version: `Emperor ${emperorVersion()} (${router.transport})`, port: emperor.port, pids: router.pids };
}
