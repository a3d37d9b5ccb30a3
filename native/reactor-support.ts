// Whether this process can have a reactor, found out once. Nothing is opened for it.
import { native } from './index.ts';
import type { ReactorAddon } from './reactor.ts';

export type ReactorSupport =
  | { readonly addon: ReactorAddon; readonly missing: undefined }
  | { readonly addon: undefined; /** Why there is none, in words. */ readonly missing: string };

export const reactorSupport: ReactorSupport = {
  addon: undefined,
  missing: native.missing ?? 'this version of the addon has none',
};
