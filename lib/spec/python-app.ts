// What makes an app a Python app. Apart from the table of keys, so that a primary need not load that.
import type { VassalSpec } from './vassal-spec.ts';

/** The keys of which one says that an app is a Python app, and which it is. */
export const pythonAppKeys = ['module', 'wsgi-file'] as const satisfies readonly (keyof VassalSpec)[];

/** PURE. The spec is of a Python app. */
export function isPythonApp(spec: Pick<VassalSpec, (typeof pythonAppKeys)[number]>): boolean {
  return pythonAppKeys.some((key) => spec[key] !== undefined);
}
