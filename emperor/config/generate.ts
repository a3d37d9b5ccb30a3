// Writes what is generated from the tables of keys: the JSON Schemas in configs/ and the reference page in docs/.
// Run it after a change of a table (npm run generate); a test fails where the files are stale.
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { emperorSchema } from '../../lib/spec/emperor-config.ts';
import { pythonAppKeys } from '../../lib/spec/python-app.ts';
import { appKeys, keysOfNode, keysOfOwnProcesses, keysOfPython, vassalSchema } from '../../lib/spec/vassal-spec.ts';
import { referencePage } from './reference-page.ts';
import { uwsgiPage } from './uwsgi/uwsgi-page.ts';

/** Every generated file: its path below the package root, and what belongs in it. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['configs/vassal.schema.json', `${JSON.stringify(vassalJsonSchema(), null, 2)}\n`],
    ['configs/emperor.schema.json', `${JSON.stringify(emperorJsonSchema(), null, 2)}\n`],
    ['docs/config.md', referencePage()],
    ['docs/from-uwsgi.md', uwsgiPage()],
  ]);
}

function vassalJsonSchema(): object {
  return {
    ...toJsonSchema(
      vassalSchema,
      "The configuration of one app served by Emperor: <name>.yaml in the emperor's directory.",
    ),
    oneOf: appKeys.map((key) => ({ required: [key], properties: without(keysWithout(key)) })),
    // As emperor/config/vassal-file.ts says it.
    if: { required: ['upstream'] },
    then: { properties: without(keysOfOwnProcesses) },
    else: { properties: { 'health-check': { properties: { interval: false } } } },
  };
}

/** The keys that are errors beside one that says what the app is, as emperor/config/python-keys.ts says it. */
function keysWithout(appKey: (typeof appKeys)[number]): readonly string[] {
  const isPython = pythonAppKeys.some((key) => key === appKey);
  return [...appKeys.filter((key) => key !== appKey), ...(isPython ? keysOfNode : keysOfPython)];
}

function without(keys: readonly string[]): Readonly<Record<string, false>> {
  return Object.fromEntries(keys.map((key) => [key, false]));
}

function emperorJsonSchema(): object {
  return toJsonSchema(emperorSchema, 'The configuration of an Emperor: emperor.yaml, given with --config.');
}

function toJsonSchema(schema: z.ZodType, title: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // Metadata of ours that JSON Schema has other words for, or none; and defaults as users write them, which
      // zod leaves out where it knows only their outcome.
      const metadata: Record<string, unknown> = z.globalRegistry.get(zodSchema) ?? {};
      for (const key of ['group', 'words', 'example']) Reflect.deleteProperty(jsonSchema, key);
      const { default: value, example } = metadata;
      if (value !== undefined) Object.assign(jsonSchema, { default: value });
      if (typeof example === 'string') Object.assign(jsonSchema, { examples: [parse(example)] });
    },
  });
  return { $schema, title, ...rest, patternProperties: { '^x-': {} } };
}

// Run as a program: `node dist/emperor/config/generate.js`.
const script = process.argv[1];
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) {
  const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));
  for (const [path, text] of generatedFiles()) {
    const file = join(packageRoot, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`${file}\n`);
  }
}
