// docs/from-uwsgi.md: how to move a box of uWSGI's vassals over, and every option with what becomes of it. The tables
// are made from the table of options; the words around them stand here, because they tell of the same code. PURE.
import { optionTable } from './option-table.ts';
import { effectiveUse, type OptionUse, type ValueForm } from './option-use.ts';
import { foreignMagic, magicVariables } from './magic.ts';

/** The whole page as Markdown. */
export function uwsgiPage(): string {
  const uses = [...optionTable].map(([name, use]) => ({ name, use: effectiveUse(use) }));
  const parts = [
    intro,
    moving,
    differences,
    language,
    magicTable(),
    '## Option by option',
    section('They set a key', oursIntro, ['option', 'key', 'value'], oursRows(uses)),
    ...sections.map(({ use, title, text }) => section(title, text, ['what we do', 'options'], rowsOf(uses, use))),
  ];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

interface Named {
  readonly name: string;
  readonly use: OptionUse;
}

type Row = readonly string[];

function section(title: string, text: string, heads: Row, rows: readonly Row[]): string {
  const lines = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [`### ${title}`, text.trim(), lines.join('\n')].join('\n\n');
}

function oursRows(uses: readonly Named[]): readonly Row[] {
  const byKey = new Map<string, { names: string[]; key: string; form: ValueForm }>();
  for (const { name, use } of uses) {
    if (use.use !== 'ours') continue;
    const row = byKey.get(`${use.key} ${use.form}`) ?? { names: [], key: use.key, form: use.form };
    row.names.push(name);
    byKey.set(`${use.key} ${use.form}`, row);
  }
  return [...byKey.values()].map(({ names, key, form }) => [codes(names), `\`${key}\``, forms[form]]);
}

function rowsOf(uses: readonly Named[], wanted: OptionUse['use']): readonly Row[] {
  const byWhat = new Map<string, string[]>();
  for (const { name, use } of uses) {
    if (use.use !== wanted || use.use === 'ours') continue;
    byWhat.set(use.what, [...(byWhat.get(use.what) ?? []), name]);
  }
  return [...byWhat].map(([what, names]) => [what, codes(names)]);
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' ');
}

function magicTable(): string {
  const rows = Object.entries(magicVariables).map(([letter, what]) => `| \`%${letter}\` | ${what} |`);
  const refused = Object.entries(foreignMagic).map(([letter, why]) => `\`%${letter}\` (${why})`);
  return [
    '### Magic variables',
    "In capitals (`%N`, `%D` …) the first seven, and `%X`, are those of the vassal's own file where an included one is read.",
    ['| variable | stands for |', '| --- | --- |', ...rows].join('\n'),
    `Not replaced, and an error where the value is used: ${refused.join(', ')}. So is any other letter, which uWSGI drops without a word.`,
  ].join('\n\n');
}

const forms: Readonly<Record<ValueForm, string>> = {
  text: 'as it stands; the last one wins',
  number: 'as it stands; a plain number of a duration is seconds, of a size bytes; the last one wins',
  megabytes: 'megabytes; the last one wins',
  flag: '`true` or nothing, `false`; the last one wins',
  texts: 'one each time',
  words: 'several, with spaces or commas between them',
  variable: '`NAME=value`, one each time',
  subscription: 'the name behind the address: `127.0.0.1:4040:shop.example.com`',
  'subscription-map': 'the name in it: `server=127.0.0.1:4040,key=shop.example.com`',
};

const sections: readonly { readonly use: OptionUse['use']; readonly title: string; readonly text: string }[] = [
  {
    use: 'missing',
    title: 'They are missing',
    text: 'The thing is not done. `emperor check` and `emperor status APP` tell of each one as a note; the app runs without it.',
  },
  { use: 'elsewhere', title: 'They are done in another way', text: 'Also told as a note.' },
  { use: 'harmless', title: 'They need nothing', text: 'Only `emperor check --explain-uwsgi` tells of them.' },
  { use: 'reading', title: 'They steer the reading', text: 'See above.' },
];

const oursIntro = `
Besides these, every key of docs/config.md that is no option of uWSGI can be written into such a file (\`command\`,
\`health-check\`, \`rollout\` …).
`;

const intro = `
# From uWSGI

<!-- Generated from emperor/config/uwsgi by \`npm run generate\`. Do not edit. -->

A vassal of uWSGI's Emperor is a vassal here. Files in the directory that end with \`.ini\` are read as uWSGI 2.0 reads them, and so are
\`.yaml\`, \`.yml\` and \`.json\` files whose options stand below a key \`uwsgi\`. Every option of uWSGI 2.0 is known: it sets
a key of ours, or the thing is done in another way, or it is missing and told to be. What no uWSGI knows is an error with a hint.
`;

const moving = `
## Moving a box over

1. \`emperor check /etc/uwsgi/vassals\` reads all files and starts nothing. Problems come first, each with its line; then notes, one for
   each option that does nothing here.
2. \`emperor check --explain-uwsgi shop.ini\` says of every line what becomes of it, with all variables filled in (\`--json\` for scripts).
3. Write an emperor.yaml with \`listen\`: the addresses that uWSGI's http router or the front server had. Domains are found in this order:
   \`x-domains = shop.example.com www.shop.example.com\` in the file, the names of \`subscribe-to\` and \`subscribe2\`, the name of the file if it has
   a dot (\`shop.example.com.ini\`), else \`<name>.localhost\`.
4. \`emperor run DIR\` on another port beside uWSGI, try the apps, then change the ports over. The files stay as they are, so the
   way back is open.

\`vassals-include\`, \`vassals-inherit\` and \`vassal-set\` stand in the file of uWSGI's Emperor, not in those of the vassals: write what all apps
have in common into \`defaults\` of emperor.yaml, or let each vassal \`include\` the file.
`;

const differences = `
## What differs, and why

- **An edit starts a new generation beside the old one** and swaps when it is ready. uWSGI reloads in place: it kills, then starts. So
  \`touch-reload\`, chain reload, zergs and fallback configs have nothing to do here, and a broken edit leaves the app running.
- **Unknown options are errors.** uWSGI takes them for variables unless \`strict\` is set, so a typing error stays unseen. Here a
  variable is a key that \`%(key)\` refers to, one of \`set-placeholder\`, or one that starts with \`x-\`. In an included file, one that nothing
  refers to is let be, unless it looks like an option.
- **What cannot be filled in is an error** where it is used: \`%(name)\` that nobody sets, \`$(VARIABLE)\` that is not set, a cycle. uWSGI
  leaves the text as it is, or ends. In options that do nothing here (\`log-format = %(addr)\`) it does not matter.
- **Sockets are the emperor's.** An app has \`<run-dir>/vassals/<name>/app.sock\`, which speaks HTTP and not uwsgi: a front server that stays passes
  requests on with \`proxy_pass\` instead of \`uwsgi_pass\`, to that socket or to the router.
- **uid and gid.** As long as running as another user is missing, a file that asks for it is an error for an emperor that runs as root: the app
  would run as root.
- **Included files are watched by the clock** (\`rescan\` in emperor.yaml, 10 s) unless they lie in the directory itself; a change deploys the apps that it
  changes. What is wrong in one is told at the line that includes it.
- **In YAML and JSON** an option stands once, with a list for several values.
`;

const language = `
## How files are read

- The section is \`[uwsgi]\`; a section of any other name is read only if \`ini = file:name\`, \`ini = :name\` or the like names it.
  \`:name\` is a section of the file that the line stands in (for uWSGI: of the file that was read last). Lines that begin with \`;\` or \`#\` are comments; behind a value they belong to it. A key without \`=\` is true.
- In this order: magic variables while a line is read, then \`$(VARIABLE)\` of the emperor's environment (\`emperor check\` has its own), \`@(file)\` for a file's contents,
  \`%(option)\`. Of an option that stands several times, \`%(option)\` is the first value. \`%(a + b * 2)\` goes from left to right; words without an
  operator between them are put together.
- \`include\` and \`ini\` are read in their place, \`inherit\` behind everything else, so what is inherited wins over a single value of the vassal's own,
  as in uWSGI. Paths are relative to the directory of the vassals. Files may include each other 16 deep, and not in a circle.
- \`for\`, \`for-times\`, \`for-readline\` … \`endfor\` repeat lines with \`%(_)\`; \`if-env\`, \`if-opt\`, \`if-exists\`, \`if-file\`, \`if-dir\`,
  \`if-hostname\`, \`if-hostname-match\`, \`if-reload\` (never true) and their \`if-not-\` forms … \`endif\` leave lines out. Blocks do not nest.
- What a template engine should have replaced (\`{{ name }}\`, \`{% if %}\`) is an error.
`;
