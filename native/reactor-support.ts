// Whether this process can have a reactor, as far as that shows without opening one.
import { platform } from 'node:os';
import { native, type NativeAddon } from './index.ts';

export type ReactorSupport =
  | { readonly addon: NativeAddon; readonly missing: undefined }
  | { readonly addon: undefined; /** Why there is none, in words. */ readonly missing: string };

export const reactorSupport: ReactorSupport = find();

function find(): ReactorSupport {
  if (native.addon === undefined) return { addon: undefined, missing: `the addon is missing: ${native.missing}` };
  if (platform() !== 'linux') return { addon: undefined, missing: 'it needs epoll, which is Linux' };
  return { addon: native.addon, missing: undefined };
}
