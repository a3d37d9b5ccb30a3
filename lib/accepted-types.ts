// In which form an error is told: what the client's Accept prefers among JSON, HTML and plain text. Pure.

export type PageForm = 'json' | 'html' | 'text';

const forms: readonly { readonly form: PageForm; readonly type: string; readonly subtype: string }[] = [
  { form: 'text', type: 'text', subtype: 'plain' },
  { form: 'html', type: 'text', subtype: 'html' },
  { form: 'json', type: 'application', subtype: 'json' },
];

/** Accept headers longer than this are cut: what comes later is rarely preferred. */
const longestAccept = 1024;

/** Without an Accept, or where it prefers none, plain text. */
export function preferredForm(accept: string | undefined): PageForm {
  if (accept === undefined) return 'text';
  const ranges = accept.slice(0, longestAccept).toLowerCase().split(',').map(parseRange);
  let best: PageForm = 'text';
  let bestQuality = 0;
  for (const { form, type, subtype } of forms) {
    const quality = qualityOf(ranges, type, subtype);
    if (quality > bestQuality) {
      best = form;
      bestQuality = quality;
    }
  }
  return best;
}

interface Range {
  readonly name: string;
  readonly quality: number;
}

function parseRange(text: string): Range {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  const value = quality === undefined ? 1 : Number(quality.slice(2));
  return { name, quality: Number.isNaN(value) ? 0 : value };
}

/** The most specific range that fits decides (RFC 9110 section 12.5.1). */
function qualityOf(ranges: readonly Range[], type: string, subtype: string): number {
  for (const name of [`${type}/${subtype}`, `${type}/*`, '*/*']) {
    const range = ranges.find((candidate) => candidate.name === name);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
