// The files that are started as processes of their own. Child processes are spawned by path, and tsc rewrites
// import specifiers only, so these strings must name the emitted `.js`; a test checks that each exists.
import { fileURLToPath } from 'node:url';

const entry = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const entryPoints = {
  emperor: entry('../emperor/main.js'),
  router: entry('../router/main.js'),
  vassal: entry('../vassal/main.js'),
  nodeWorker: entry('../vassal/runtimes/node/worker-main.js'),
  // No output of tsc: it stays where it is, below the package's root.
  pythonWorker: entry('../../vassal/runtimes/python/worker.py'),
} as const;
