// What we do with each line of a vassal of uWSGI, for people who move one over. PURE.
import type { Expansion } from './expand.ts';
import type { UseKind } from './option-use.ts';
import type { Origin } from './origin.ts';
import type { UwsgiFile } from './read-uwsgi.ts';
import type { Judged } from './statements.ts';

/** One line of the file, or of one that it includes. */
export interface ExplainedLine {
  /** Absolute path. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly option: string;
  /** With everything filled in; of a line in a loop, that of its first time. */
  readonly value: string;
  readonly use: UseKind | 'variable' | 'skipped' | 'problem';
  /** The key of ours that it sets; null where it sets none, or where a later line wins. */
  readonly key: string | null;
  readonly what: string;
}

/** Every line that was read, in the order of the files. */
export function explainLines({ expansion, judged }: Pick<UwsgiFile, 'expansion' | 'judged'>): readonly ExplainedLine[] {
  const placed = [...outcomeLines(judged), ...stepLines(expansion)];
  const byPlace = new Map<string, Placed>();
  const times = new Map<string, number>();
  for (const one of placed) {
    const place = JSON.stringify([one.path, one.line.file, one.line.option]);
    times.set(place, (times.get(place) ?? 0) + 1);
    if (!byPlace.has(place)) byPlace.set(place, one);
  }
  return [...byPlace]
    .sort(([, one], [, other]) => comparePaths(one.path, other.path))
    .map(([place, { line }]) => repeated(line, times.get(place) ?? 1));
}

interface Placed {
  /** The lines that lead to it: those of the includes, and its own. */
  readonly path: readonly number[];
  readonly line: ExplainedLine;
}

function outcomeLines({ outcomes, record }: Judged): readonly Placed[] {
  return outcomes.map(({ statement, value, use, key, what }) => {
    const { origin } = statement;
    const isLost = key !== null && !record.isSetBy(key, origin);
    return {
      path: pathOf(origin),
      line: {
        ...{ file: origin.file, line: origin.at.line, option: statement.key, value, use },
        ...{ key: isLost ? null : key, what: isLost ? `another line sets ${key}` : what },
      },
    };
  });
}

function stepLines({ steps }: Expansion): readonly Placed[] {
  return steps.map(({ key, value, what, isSkipped, origin }) => ({
    path: pathOf(origin),
    line: {
      ...{ file: origin.file, line: origin.at.line, option: key, value, key: null, what },
      use: isSkipped ? 'skipped' : 'reading',
    },
  }));
}

function pathOf(origin: Origin): readonly number[] {
  return [...(origin.via === undefined ? [] : pathOf(origin.via)), origin.at.line];
}

function comparePaths(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at += 1) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function repeated(line: ExplainedLine, times: number): ExplainedLine {
  return times === 1 ? line : { ...line, what: `${line.what}, ${times} times` };
}
