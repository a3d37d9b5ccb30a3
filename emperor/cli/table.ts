// PURE. Columns of text, aligned, within a width.

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be shortened where the line would be too long. */
  readonly isElastic?: boolean;
}

const gap = '  ';
const narrowest = 8;

/** Lines of the table, its head first. Elastic columns are cut, with an ellipsis, until a line fits into `width`. */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_column, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)));
  let excess = widths.reduce((sum, one) => sum + one, gap.length * (columns.length - 1)) - width;
  for (const [index, { isElastic }] of [...columns.entries()].reverse()) {
    const own = widths[index] ?? 0;
    const cut = isElastic === true ? Math.max(0, Math.min(excess, own - narrowest)) : 0;
    widths[index] = own - cut;
    excess -= cut;
  }
  return all.map((row) =>
    columns
      .map(({ align }, index) => {
        const text = shorten(row[index] ?? '', widths[index] ?? 0);
        return align === 'right' ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0);
      })
      .join(gap)
      .trimEnd(),
  );
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
