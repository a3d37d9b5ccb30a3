// The reference page of all config keys, docs/config.md. The tables are generated; the words around them stand
// here, because they tell of the same code.
import { emperorFieldList, vassalFieldList, type FieldEntry } from '../../lib/spec/field-list.ts';
import { maxFileBytes } from './read-file.ts';

/** The whole page as Markdown. */
export function referencePage(): string {
  const parts = [
    intro,
    section('Keys of an app', appIntro, vassalFieldList),
    values,
    domains,
    files,
    section('Keys of emperor.yaml', emperorIntro, emperorFieldList),
    editors,
  ];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

function section(title: string, text: string, fields: readonly FieldEntry[]): string {
  const groups = [...new Set(fields.map(({ group }) => group))];
  const tables = groups.map((group) => {
    const rows = fields.filter((field) => field.group === group).map(row);
    return [
      `### ${heading(group)}`,
      '',
      '| key | value | default | meaning |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return [`## ${title}`, text.trim(), ...tables].join('\n\n');
}

function row({ key, type, default: value, description, example }: FieldEntry): string {
  const name = key.split('.').at(-1) ?? key;
  const shown = example === undefined ? '' : ` Example: \`${name}: ${example}\``;
  const cells = [`\`${key}\``, type, value === undefined ? '' : `\`${value}\``, `${description}${shown}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function heading(group: string): string {
  return group.charAt(0).toUpperCase() + group.slice(1);
}

const intro = `
# Configuration

<!-- Generated from the tables in lib/spec by \`npm run generate\`. Do not edit. -->

One app is one file in the emperor's directory. The smallest file has one line:

\`\`\`yaml
app: ./server.js
\`\`\`

Saved as \`shop.yaml\`, it is served at \`shop.localhost\`; saved as \`shop.example.com.yaml\`, at \`shop.example.com\`.
\`emperor check DIR\` tells what is wrong with a directory or a file without running anything.

- Exactly one of the keys under "Which app" must be there. Every other key is optional.
- A key that is not in these tables is an error, with a hint at the one you may have meant. Keys that start with
  \`x-\` are yours: they are ignored, and a good place for YAML anchors.
- A key's value may also come from \`defaults:\` in emperor.yaml. The app's own value wins; of \`env\`, each variable
  for itself.
`;

const appIntro = `
The file is YAML (\`.yaml\`, \`.yml\`) or JSON (\`.json\`) with the same keys. Files of uWSGI (\`.ini\`, or options below a key \`uwsgi\`) are
read, too: docs/from-uwsgi.md.
`;

const values = `
### How values are written

- **duration**: \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`1d\`; a plain number is seconds. At most \`24d\`.
- **size**: \`512K\`, \`20M\`, \`1G\` (powers of 1024); a plain number is bytes.
- **text, or list of texts**: \`one\` or \`[one, two]\`.
- **paths** in an app's file are relative to \`chdir\`, and \`chdir\` is relative to the file itself. Files that a key
  names must exist. \`app\` may leave out \`.js\`, \`.mjs\`, \`.cjs\` or \`.ts\`, and may name a directory with an \`index.js\` or a
  \`package.json\` whose \`main\` exists. \`node\` and \`python\` without a slash are looked up in \`PATH\`.
- **an unquoted \`*\`** is a reference in YAML: write \`domains: "*.example.com"\`.
`;

const domains = `
## Domains

| written | serves |
| --- | --- |
| \`shop.example.com\` | that host |
| \`*.example.com\` | every host below it, but not \`example.com\` itself |
| \`*\` | every host that nobody else serves |
| \`example.com/shop\` | that host, where the path is \`/shop\` or begins with \`/shop/\` |

- Without \`domains\`, an app is served at its file's name if that has a dot, else at \`<name>.localhost\`, which browsers
  resolve to this machine.
- Upper case, a trailing dot and a trailing slash make no difference. Names such as \`bücher.example\` are understood as the
  \`xn--…\` form that browsers send.
- Schemes, ports, regular expressions and IPv6 addresses are errors. Ports are those of \`listen\` in emperor.yaml.
- Two files with the same domain: the app that has it keeps it. Where neither has, the older file gets it. The other
  file is an error that names the first, and its app goes on with what it last ran.
`;

const files = `
## Files

- **Names.** The file's name without its extension is the app's name: ASCII letters, digits, \`.\`, \`_\` and \`-\`, with a letter
  or digit first. It becomes part of socket paths, which Linux limits to 107 bytes; a name that does not fit is an error
  that says by how much.
- **What is no config file.** Other extensions, hidden files, and what editors leave while they save (\`shop.yaml~\`,
  \`.shop.yaml.swp\`, \`#shop.yaml#\`, \`4913\`) are ignored. A directory, FIFO, socket or dangling link called \`x.yaml\` is an error.
- **Two files of one name** (\`shop.yaml\` and \`shop.json\`): the one that was there first counts, the other is an error.
- **Half-written files.** A file that is broken and younger than 200 ms is looked at again before it is judged, and a file that
  vanished must stay away as long, so every way of saving is safe: in place, by rename, or by changing a link.
- **Broken files.** An app whose file is broken goes on running as it last did. So does one whose file cannot be read.
  Only a file that is gone, in a directory that can be read, ends its app.
- **Touch.** \`touch\`, which changes the time and not a byte, deploys the app again (\`on-touch: ignore\` turns that off).
  Other bytes that mean the same (a comment, another order of keys) deploy nothing.
- **Limits.** A file may have ${maxFileBytes / 1024} KB, 64 levels of nesting, and aliases that expand to 20,000 values. It is UTF-8, with
  or without a BOM, with any line ends.
`;

const emperorIntro = `
One file for the emperor itself, given with \`--config\`. It may be empty. Flags win over it. Paths in it are relative to it.
\`admin\` is for this machine only: a loopback address or a unix socket.
`;

const editors = `
## In an editor

\`configs/vassal.schema.json\` and \`configs/emperor.schema.json\` are JSON Schemas of both files. Editors with the YAML language
server complete and check keys if the file begins with a line such as

\`\`\`yaml
# yaml-language-server: $schema=./vassal.schema.json
\`\`\`
`;
