// PURE. What a running emperor would do if the checked files were its directory: by digest, as the planner compares.
import type { CheckReport } from '../config/check.ts';
import type { Status } from '../status.ts';

/** One line per app that would change; `status` undefined: no emperor runs. */
export function planLines({ apps, problems }: CheckReport, status: Status | undefined): readonly string[] {
  if (status === undefined) return apps.map(({ name }) => `start   ${name} (no emperor runs now)`);
  const now = new Map(status.vassals.map((vassal) => [vassal.name, vassal]));
  const broken = new Set(problems.map(({ file }) => file));
  const lines = apps.flatMap(({ name, digest }) => {
    const running = now.get(name);
    if (running === undefined) return [`start   ${name}`];
    if (running.state === 'stopped') return [`nothing ${name}: it is stopped`];
    if (running.digest === digest) return [];
    return running.generation === null
      ? [`start   ${name}`]
      : [`deploy  ${name}: a new generation beside generation ${running.generation}`];
  });
  const wanted = new Set(apps.map(({ name }) => name));
  for (const { name, file, generation } of status.vassals) {
    if (wanted.has(name)) continue;
    if (file !== null && broken.has(file))
      lines.push(`keep    ${name}: its file is invalid, generation ${generation ?? '-'} goes on`);
    else lines.push(`stop    ${name}: it has no file`);
  }
  return lines.length === 0 ? ['nothing would change'] : lines;
}
