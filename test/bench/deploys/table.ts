// The figures of all contenders as a Markdown table, and what the columns cannot hold below it. Pure.
import { markdownTable } from '../markdown-table.ts';
import { isMissing, type Missing } from '../missing.ts';
import type { Contender } from './contender.ts';
import { figuresOf, type Block, type Figures } from './record.ts';

/** What was measured of one contender. */
export interface Result {
  readonly contender: Contender;
  readonly blocks: readonly Block[];
  readonly failure: string | undefined;
  readonly loadLatenessMs: number;
}

const columns = [
  'system',
  'requests',
  'lost',
  'longest gap',
  'edit to served, median',
  'p99',
  'both versions answer',
  'broken deploy: lost',
  'no answer for',
  'old version serves',
];

export function tableOf(results: readonly (Result | Missing)[]): string[] {
  const rows = results.map((result) => (isMissing(result) ? missingRow(result) : rowOf(result)));
  return [...markdownTable([columns, ...rows]), '', ...results.flatMap(notesOf)];
}

function rowOf({ contender, blocks }: Result): string[] {
  const figures = figuresOf(blocks);
  const { broken } = figures;
  return [
    contender.name,
    String(figures.requests),
    String(figures.lost),
    milliseconds(figures.longestGapMs),
    milliseconds(figures.servedMedianMs),
    milliseconds(figures.servedP99Ms),
    milliseconds(figures.mixedMedianMs),
    broken === undefined ? '–' : `${broken.lost} of ${broken.requests}`,
    broken === undefined
      ? '–'
      : `${milliseconds(broken.longestGapMs)}${broken.oldServes === 'none' ? ', till the fix' : ''}`,
    broken === undefined ? '–' : { all: 'yes', some: 'some requests', none: 'no' }[broken.oldServes],
  ];
}

function missingRow({ name, missing }: Missing): string[] {
  return [name, `not measured: ${missing}`, ...columns.slice(2).map(() => '')];
}

function notesOf(result: Result | Missing): string[] {
  if (isMissing(result)) return [];
  const { contender, blocks, failure, loadLatenessMs } = result;
  const figures = figuresOf(blocks);
  return [
    `- ${contender.name}: ${contender.setup}. ${figures.deploys} good deploys; ${faultsOf(figures)}; the load itself was late by ${milliseconds(loadLatenessMs)} at the worst${failure === undefined ? '' : `; given up: ${failure}`}.`,
  ];
}

function faultsOf({ faults }: Figures): string {
  if (faults.size === 0) return 'no request lost';
  return `lost: ${[...faults].map(([fault, count]) => `${count} × ${fault}`).join(', ')}`;
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : '–';
}
