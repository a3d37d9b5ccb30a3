// The keys of a Python app: which of them can stand together, and the paths they name, made absolute and looked at.
import { join, resolve } from 'node:path';
import { pythonAppKeys } from '../../lib/spec/python-app.ts';
import { keysOfNode, keysOfPython, type VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { kindOf } from './entry-file.ts';
import { reportPath, type Faults } from './faults.ts';
import { fileFault, programFault, programPath, type PathFault } from './paths.ts';

/** What `python` may name, for the hint where it does not. */
export const pythonExample = 'a Python binary, such as /usr/bin/python3';

/** A key that would do nothing, or that another one contradicts. `appKey`: the one that says what the app is. */
export function checkPythonKeys(faults: Faults, appKey: string): void {
  const { value } = faults.parsed;
  const has = (key: string): boolean => Object.hasOwn(value, key);
  const isPython = pythonAppKeys.some((key) => key === appKey);
  for (const key of (isPython ? keysOfNode : keysOfPython).filter(has)) {
    faults.add(
      [key],
      'key',
      isPython
        ? { message: `${key} has no meaning with ${appKey}: it is about Node`, hint: 'remove it' }
        : {
            message: `${key} has a meaning with ${pythonAppKeys.join(' or ')} only`,
            hint: `remove it, or name a Python app by one of these instead of ${appKey}`,
          },
    );
  }
  if (!isPython) return;
  for (const { one, other, why } of contradictions.filter((pair) => has(pair.one) && has(pair.other))) {
    faults.add([other], 'key', {
      message: `expected one of ${one} and ${other}, got both: ${why}`,
      hint: 'remove one',
    });
  }
  if (typeof value['module'] === 'string' && value['module'].includes(':') && has('callable')) {
    faults.add(['callable'], 'key', {
      message: `expected one of callable and the name after the colon of module, got both`,
      hint: 'remove one',
    });
  }
}

const contradictions = [
  { one: 'virtualenv', other: 'home', why: 'they are the same' },
  { one: 'virtualenv', other: 'python', why: 'a virtual environment has a Python of its own' },
  { one: 'home', other: 'python', why: 'a virtual environment has a Python of its own' },
] as const;

type PythonPaths = Pick<VassalSpec, 'pythonpath'> & Partial<Pick<VassalSpec, 'wsgi-file' | 'virtualenv' | 'python'>>;

/** The paths among the keys, absolute; those that cannot be used are told. */
export async function resolvePython(faults: Faults, spec: VassalSpec, own: ReadonlySet<string>): Promise<PythonPaths> {
  const { chdir } = spec;
  const file = spec['wsgi-file'] === undefined ? undefined : resolve(chdir, spec['wsgi-file']);
  if (file !== undefined) reportPath(faults, await fileFault(file), { key: 'wsgi-file', index: 0, own });
  const virtualenv = spec.virtualenv === undefined ? undefined : resolve(chdir, spec.virtualenv);
  if (virtualenv !== undefined) {
    const key = own.has('home') ? 'home' : 'virtualenv';
    reportPath(faults, await virtualenvFault(virtualenv), { key, index: 0, own });
  }
  const pythonpath = spec.pythonpath.map((path) => resolve(chdir, path));
  for (const [index, path] of pythonpath.entries()) {
    reportPath(faults, await placeFault(path), { key: 'pythonpath', index, own });
  }
  const python = spec.python === undefined ? undefined : programPath(spec.python, chdir);
  if (python !== undefined) {
    reportPath(faults, await programFault(python, pythonExample), { key: 'python', index: 0, own });
  }
  return {
    pythonpath,
    ...(file === undefined ? {} : { 'wsgi-file': file }),
    ...(virtualenv === undefined ? {} : { virtualenv }),
    ...(python === undefined ? {} : { python }),
  };
}

async function virtualenvFault(path: string): Promise<PathFault | undefined> {
  const kind = await kindOf(path);
  const hint = `python3 -m venv ${path} makes one`;
  if (kind === 'missing') return { message: `there is no directory ${path}`, hint };
  if (kind !== 'directory') return { message: `expected a directory, got ${path}`, hint };
  const python = join(path, 'bin/python');
  const fault = await programFault(python, pythonExample);
  return fault === undefined ? undefined : { message: `${path} is no virtual environment: ${fault.message}`, hint };
}

/** Python takes directories and archives; of what is not there it says nothing, so that a typing error would stay. */
async function placeFault(path: string): Promise<PathFault | undefined> {
  const kind = await kindOf(path);
  if (kind === 'directory' || kind === 'file') return undefined;
  const hint = 'create it, or remove the entry';
  return {
    message: kind === 'missing' ? `there is no directory ${path}` : `${path} cannot be looked at: ${kind}`,
    hint,
  };
}
