// --config, and where emperor.yaml and the vassals are without it.
import { Option } from 'commander';
import { readEmperorFile, type EmperorFile } from '../config/emperor-file.ts';

export const defaultDirectory = '/etc/vassals';
export const defaultConfig = '/etc/emperor/emperor.yaml';

export interface ConfigFlag {
  readonly config?: string;
}

export function configOption(): Option {
  return new Option('--config <file>', `emperor.yaml (default: ${defaultConfig} if it is there)`);
}

/** A file that the user named must be there; the default one need not. */
export async function readConfig(named: string | undefined): Promise<EmperorFile> {
  return readEmperorFile(named ?? defaultConfig, named !== undefined);
}
