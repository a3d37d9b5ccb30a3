// The generated parts of a page: each stands between two comments that bear its name. Pure.

/** Replaces the part `name`; the rest stays byte by byte. A page without the part is an error: it is hand-written. */
export function replacePart(page: string, name: string, lines: readonly string[]): string {
  const { start, end } = boundsOf(page, name);
  return `${page.slice(0, start)}\n${lines.join('\n')}\n${page.slice(end)}`;
}

/** The lines of the part `name`. */
export function partOf(page: string, name: string): string[] {
  const { start, end } = boundsOf(page, name);
  return page.slice(start, end).split('\n').slice(1, -1);
}

/**
 * The rows of a table that was generated before, with those of `fresh` in place of the ones that have the same first
 * two cells. The first cell begins with a scenario's name, to a comma; they stand as `order` has them, and what it does
 * not have goes.
 */
export function mergeRows(
  old: readonly string[],
  fresh: readonly (readonly string[])[],
  order: readonly string[],
): string[][] {
  const rows = new Map(tableRows(old).map((row) => [keyOf(row), row]));
  for (const row of fresh) rows.set(keyOf(row), [...row]);
  const placeOf = ([name = '']: readonly string[]): number => order.indexOf(name.split(',')[0] ?? '');
  return [...rows.values()].filter((row) => placeOf(row) !== -1).sort((a, b) => placeOf(a) - placeOf(b));
}

/** The cells of a Markdown table without its heading and rule. */
function tableRows(lines: readonly string[]): string[][] {
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function keyOf([name = '', what = '']: readonly string[]): string {
  return `${name}|${what}`;
}

function boundsOf(page: string, name: string): { start: number; end: number } {
  const opening = `<!-- bench:${name} -->`;
  const closing = `<!-- /bench:${name} -->`;
  const start = page.indexOf(opening);
  const end = page.indexOf(closing);
  if (start === -1 || end < start) throw new Error(`the page has no part between ${opening} and ${closing}`);
  return { start: start + opening.length, end };
}
