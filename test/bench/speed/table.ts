// The figures of one case as a Markdown table, and what they mean for the bars below it. Pure.
import { markdownTable } from '../markdown-table.ts';
import { isMissing } from '../missing.ts';
import type { CaseResult, Row } from './result.ts';
import {
  figureOf,
  judgedPairs,
  limitText,
  mainVerdictsOf,
  ratioOf,
  rowsOf,
  spreadOf,
  verdictsOf,
  type Verdict,
} from './verdict.ts';

/** The lines about one case: its load, its table, its verdicts, its faults. */
export function caseLines(result: CaseResult): string[] {
  const table = markdownTable([headingOf(result), ...rowsOf(result).map((row) => cellsOf(row, result))]);
  const verdicts = verdictsOf(result).map((verdict) => `- ${verdictText(verdict)}`);
  const missing = result.rows.filter(isMissing).map((row) => `- ${row.name}: not measured, ${row.missing}`);
  const faults = rowsOf(result)
    .filter((row) => row.faults.length > 0)
    .map((row) => `- ${row.name} lost requests: ${row.faults.join('; ')}`);
  return [`${result.load}.`, '', ...table, '', ...verdicts, ...missing, ...faults];
}

/** One line for each bar, for the overview of all cases. */
export function overviewCells(result: CaseResult): string[][] {
  return mainVerdictsOf(result).map((verdict) => [
    result.name,
    verdict.bar.what,
    limitText(verdict.bar.limit),
    ratioText(verdict.ratio),
    verdict.best ?? '–',
    wordOf(verdict),
  ]);
}

export const overviewHeading: readonly string[] = ['load', 'what', 'bar', 'ours / best', 'best peer', 'met'];

function verdictText(verdict: Verdict): string {
  const { bar, name, ratio, best } = verdict;
  const measure = bar.against.length === 1 ? bar.against[0] : `the best of ${bar.against.join(' and ')}`;
  const limit = `${limitText(bar.limit)} × ${measure}`;
  if (best === undefined) return `${name}, ${bar.what} (bar ${limit}): no peer to compare with`;
  return `${name}, ${bar.what}: ${ratioText(ratio)} × ${best} (bar ${limit}): ${wordOf(verdict)}`;
}

function wordOf({ isMet }: Verdict): string {
  return isMet === undefined ? 'not measured' : isMet ? 'yes' : 'no';
}

/** Behind the figures, for each of ours and each bar: ours divided by the row. */
function headingOf(result: CaseResult): string[] {
  const ratios = judgedPairs(result).map(({ ours, bar }) => `${bar.what}: ${ours.name} / it`);
  return ['router', ...result.columns.map(({ heading }) => heading), 'spread', ...ratios];
}

function cellsOf(row: Row, result: CaseResult): string[] {
  const figures = result.columns.map(({ key, digits }) => numberText(figureOf(row, key), digits));
  const [first] = result.bars;
  const spread = first === undefined ? '–' : `${numberText(100 * spreadOf(row, first.key), 0)} %`;
  const ratios = judgedPairs(result).map(({ ours, bar }) =>
    ours === row ? '' : ratioText(ratioOf(ours, row, bar.key)),
  );
  return [row.name, ...figures, spread, ...ratios];
}

function ratioText(ratio: number): string {
  return numberText(ratio, 2);
}

function numberText(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}
