// Reads emperor.yaml by the same machinery as the vassals' files. Relative paths in it are relative to it.
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { parseAddress } from '../../lib/address.ts';
import { emperorFields, emperorSchema, type EmperorConfig } from '../../lib/spec/emperor-config.ts';
import { vassalFields } from '../../lib/spec/vassal-spec.ts';
import { parseConfig, type ParsedFile, type Path } from './parse.ts';
import { fileFault, programFault, programPath, type PathFault } from './paths.ts';
import { compareProblems, fileProblem, problemAt, type Problem } from './problem.ts';
import { pythonExample } from './python-keys.ts';
import { readConfigFile } from './read-file.ts';
import { decodeText } from './text.ts';
import { validateTable } from './validate.ts';

export type EmperorFile =
  | {
      readonly state: 'valid';
      readonly config: EmperorConfig;
      /** The file that was read; undefined where there is none and all is default. */
      readonly file: string | undefined;
    }
  | { readonly state: 'invalid'; readonly problems: readonly Problem[] };

/**
 * Reads the file. A missing one is a problem where the user named it (`isNamed`), else it means all defaults.
 * Never rejects for bad input.
 */
export async function readEmperorFile(path: string, isNamed: boolean): Promise<EmperorFile> {
  const file = resolve(path);
  const reading = await readConfigFile(file);
  if (reading.kind === 'missing') {
    if (!isNamed) return { state: 'valid', config: defaultEmperorConfig(), file: undefined };
    const problem = fileProblem(file, 'there is no such file', 'check the path given with --config');
    return { state: 'invalid', problems: [problem] };
  }
  if (reading.kind !== 'read') return { state: 'invalid', problems: [reading.problem] };
  const decoded = decodeText(reading.bytes, file);
  if (!decoded.ok) return { state: 'invalid', problems: [decoded.problem] };
  return await readEmperorText(decoded.text, file);
}

/** What an emperor without a file is configured with. */
export function defaultEmperorConfig(): EmperorConfig {
  return emperorSchema.parse({});
}

/** Reads the text of emperor.yaml; `file` is absolute. An empty one means all defaults. Never rejects. */
export async function readEmperorText(text: string, file: string): Promise<EmperorFile> {
  // Unlike a vassal's, this file may say nothing: `touch emperor.yaml` is a way to begin.
  if (/^(?:\s|#.*(?:\n|$))*$/.test(text)) return { state: 'valid', config: defaultEmperorConfig(), file };
  const result = parseConfig(text, file);
  if (!result.ok) return { state: 'invalid', problems: result.problems };
  const table = validateTable(result.parsed, emperorSchema, { elsewhere });
  if (!table.ok) return { state: 'invalid', problems: table.problems };
  const problems = [
    ...adminProblems(result.parsed, table.value.admin),
    ...doubledListen(result.parsed, table.value.listen),
    ...trustedProxyProblems(result.parsed, table.value['trusted-proxies']),
  ];
  const config = await resolvePaths(result.parsed, table.value, problems);
  return problems.length > 0
    ? { state: 'invalid', problems: problems.sort(compareProblems) }
    : { state: 'valid', config, file };
}

function elsewhere(key: string): string | undefined {
  if (key === 'router' || !Object.hasOwn(vassalFields, key)) return undefined;
  return Object.hasOwn(emperorFields.defaults.unwrap().shape, key)
    ? `${key} is a key of apps: put it under defaults`
    : `${key} belongs in an app's own file`;
}

/** Status is for this machine only: it names paths and processes and asks for no password. */
function adminProblems(parsed: ParsedFile, admin: string | undefined): Problem[] {
  if (admin === undefined) return [];
  const address = parseAddress(admin);
  if (typeof address === 'string' || address.kind === 'unix') return [];
  if (/^127\.\d+\.\d+\.\d+$|^::1$|^localhost$/.test(address.host)) return [];
  return [
    problemAt(parsed.file, parsed.valueAt(['admin']), {
      message: `admin: expected a loopback address or a unix socket, got ${admin}`,
      hint: `write 127.0.0.1:${address.port} or unix:/path`,
    }),
  ];
}

function doubledListen(parsed: ParsedFile, listen: readonly string[]): Problem[] {
  const at = listen.findIndex((address, index) => listen.indexOf(address) !== index);
  if (at === -1) return [];
  return [
    problemAt(parsed.file, parsed.valueAt(['listen', at]), {
      message: `listen: ${listen[at] ?? ''} stands here for the second time`,
      hint: 'remove one of the two',
    }),
  ];
}

function trustedProxyProblems(parsed: ParsedFile, entries: readonly string[]): Problem[] {
  const isList = Array.isArray(parsed.value['trusted-proxies']);
  return entries.flatMap((entry, index) => {
    if (isNetwork(entry)) return [];
    const path: Path = isList ? ['trusted-proxies', index] : ['trusted-proxies'];
    return [
      problemAt(parsed.file, parsed.valueAt(path), {
        message: `trusted-proxies: expected an address or a network, got "${entry}"`,
        hint: 'write 10.0.0.1, 10.0.0.0/8, ::1 or unix',
      }),
    ];
  });
}

async function resolvePaths(parsed: ParsedFile, config: EmperorConfig, problems: Problem[]): Promise<EmperorConfig> {
  const directory = dirname(parsed.file);
  const add = (path: Path, fault: PathFault | undefined): void => {
    if (fault === undefined) return;
    const message = `${path.filter((segment) => typeof segment === 'string').join('.')}: ${fault.message}`;
    problems.push(problemAt(parsed.file, parsed.valueAt(path), { message, hint: fault.hint }));
  };
  const { defaults } = config;
  const envFiles = defaults['env-file']?.map((path) => resolve(directory, path));
  for (const [index, path] of (envFiles ?? []).entries()) add(['defaults', 'env-file', index], await fileFault(path));
  const node = defaults.node === undefined ? undefined : programPath(defaults.node, directory);
  if (node !== undefined) add(['defaults', 'node'], await programFault(node, 'a Node binary, such as /usr/bin/node'));
  const python = defaults.python === undefined ? undefined : programPath(defaults.python, directory);
  if (python !== undefined) add(['defaults', 'python'], await programFault(python, pythonExample));
  const runDir = config['run-dir'];
  return {
    ...config,
    ...(runDir === undefined ? {} : { 'run-dir': resolve(directory, runDir) }),
    defaults: {
      ...defaults,
      ...(envFiles === undefined ? {} : { 'env-file': envFiles }),
      ...(node === undefined ? {} : { node }),
      ...(python === undefined ? {} : { python }),
    },
  };
}

/** `unix`, an address, or an address with the length of its network. */
function isNetwork(entry: string): boolean {
  if (entry === 'unix') return true;
  const [address = '', length, ...rest] = entry.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128));
}
