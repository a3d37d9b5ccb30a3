// Runs one comparison, prints it, and puts it into the pages if that is asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../harness/paths.ts';
import { coresText } from '../cores.ts';
import { wrkVersion } from '../load/wrk.ts';
import { NotInstalled } from '../missing.ts';
import { machineText } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { withScope } from '../scope.ts';
import { mergeRows, partOf, replacePart } from './page.ts';
import type { CaseResult } from './result.ts';
import type { Scenario } from './scenario.ts';
import type { Settings } from './settings.ts';
import { caseLines, overviewCells, overviewHeading } from './table.ts';
import { rowsOf } from './verdict.ts';

const page = join(packageRoot, 'docs/performance.md');
const readme = join(packageRoot, 'README.md');

export interface Measured {
  readonly name: string;
  /** When, where, and with which programs. */
  readonly conditions: string;
  readonly results: readonly CaseResult[];
  /** Why it could not be measured at all. */
  readonly missing: string | undefined;
}

export async function runSpeed(name: string, scenario: Scenario, settings: Settings): Promise<Measured> {
  const machine = machineText();
  const { results, missing } = await resultsOf(scenario, settings);
  const measured = { name, conditions: `${machine}; ${coresText()}; ${versionsOf(results)}.`, results, missing };
  for (const line of linesOf(measured)) console.log(line);
  return measured;
}

/** Puts them into docs/performance.md, and the overview into the README too. `order`: the names of all scenarios. */
export function writePages(measured: Measured, order: readonly string[]): void {
  const before = readFileSync(page, 'utf8');
  const rows = mergeRows(partOf(before, 'overview'), measured.results.flatMap(overviewCells), order);
  const overview = markdownTable([overviewHeading, ...rows]);
  writeFileSync(page, replacePart(replacePart(before, measured.name, linesOf(measured)), 'overview', overview));
  writeFileSync(readme, replacePart(readFileSync(readme, 'utf8'), 'overview', overview));
}

/** The overview of what was measured in this run. */
export function overviewOf(all: readonly Measured[]): string[] {
  return markdownTable([overviewHeading, ...all.flatMap(({ results }) => results.flatMap(overviewCells))]);
}

async function resultsOf(scenario: Scenario, settings: Settings): Promise<Pick<Measured, 'results' | 'missing'>> {
  try {
    return { results: await withScope((scope) => scenario.run(scope, settings)), missing: undefined };
  } catch (error) {
    if (error instanceof NotInstalled) return { results: [], missing: error.message };
    throw error;
  }
}

function linesOf({ conditions, results, missing }: Measured): string[] {
  if (missing !== undefined) return [`Not measured: ${missing}.`];
  const tables = results.flatMap((result) => ['', ...caseLines(result)]);
  return [conditions, ...tables];
}

function versionsOf(results: readonly CaseResult[]): string {
  const versions = new Set(results.flatMap((result) => rowsOf(result).map(({ version }) => version)));
  const load = wrkVersion();
  return [...versions, ...(load === undefined ? [] : [`wrk ${load}`])].join(', ');
}
