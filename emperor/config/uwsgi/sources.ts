// What a file of uWSGI can ask of its surroundings: other files, the environment, the machine. Reading a file whose
// answers come from elsewhere is never skipped because the file itself did not change.
import { readFileSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { kindOf } from '../entry-file.ts';
import { readConfigFile } from '../read-file.ts';
import { decodeText } from '../text.ts';
import type { HostFacts } from './magic.ts';

export interface Sources {
  /** The text of a file, or what is wrong with it, in one sentence. */
  readonly read: (path: string) => Promise<{ readonly text: string } | { readonly fault: string }>;
  /** `file`, `directory`, `other`, `missing`, or an errno. */
  readonly kindOf: (path: string) => Promise<string>;
  readonly env: (name: string) => string | undefined;
  readonly host: HostFacts;
}

let host: HostFacts | undefined;

/** The file system and the environment of this process. */
export const machine: Sources = {
  read: async (path) => {
    const reading = await readConfigFile(path);
    if (reading.kind === 'missing') return { fault: `there is no file ${path}` };
    if (reading.kind !== 'read') return { fault: `${path}: ${reading.problem.message}` };
    const decoded = decodeText(reading.bytes, path);
    return decoded.ok ? { text: decoded.text } : { fault: `${path}: ${decoded.problem.message}` };
  },
  kindOf,
  env: (name) => process.env[name],
  get host() {
    host ??= hostFacts();
    return host;
  },
};

function hostFacts(): HostFacts {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  return {
    ...{ hostname: hostname(), cpus: cpus().length, uid, gid },
    ...{ user: nameOf('/etc/passwd', uid), group: nameOf('/etc/group', gid) },
  };
}

/** The name of an id in a file of users or groups; the id itself where it has none. */
function nameOf(file: string, id: number): string {
  try {
    const entries = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    return entries.find((entry) => entry[2] === String(id))?.[0] ?? String(id);
  } catch {
    return String(id);
  }
}
