// The version of this program, as package.json has it.
import { readFileSync } from 'node:fs';

/** This file runs as dist/emperor/version.js: the package is two levels up. */
const packageFile = new URL('../../package.json', import.meta.url);

export const version: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string }).version;
