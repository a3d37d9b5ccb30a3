// A Markdown table whose columns also align as plain text. Pure.

/** The first row is the heading; the first column goes to the left, figures to the right. */
export function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const [heading = [], ...rest] = rows;
  const widths = heading.map((_cell, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, at) => (at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(heading), rule, ...rest.map(line)];
}
