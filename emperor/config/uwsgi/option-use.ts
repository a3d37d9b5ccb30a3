// What becomes of an option of uWSGI here: the words that the table of options is written in. PURE.
import { vassalFields } from '../../../lib/spec/vassal-spec.ts';

/** How the value of an option is read for a key of ours. */
export type ValueForm =
  /** As it stands; the last one wins. */
  | 'text'
  /** A number where it is one; the last one wins. */
  | 'number'
  /** A number of megabytes, as a size. */
  | 'megabytes'
  /** No value, `true`, `false` and the like. */
  | 'flag'
  /** One entry each time it stands there. */
  | 'texts'
  /** Several entries, separated by spaces or commas, each time it stands there. */
  | 'words'
  /** `NAME=value`, each time it stands there. */
  | 'variable'
  /** The server names of `subscribe-to = address:name`. */
  | 'subscription'
  /** The server names of `subscribe2 = server=address,key=name`. */
  | 'subscription-map';

export type OptionUse =
  /** It sets a key of ours. Where our table has no such key yet, it is missing. */
  | { readonly use: 'ours'; readonly key: string; readonly form: ValueForm }
  /** It steers the reading of the file itself. */
  | { readonly use: 'reading'; readonly what: string }
  /** What it asks for is so anyway, or nothing depends on it. */
  | { readonly use: 'harmless'; readonly what: string }
  /** The thing is done in another way. */
  | { readonly use: 'elsewhere'; readonly what: string }
  /** The thing is not done. */
  | { readonly use: 'missing'; readonly what: string };

export type UseKind = OptionUse['use'];

export type OptionTable = ReadonlyMap<string, OptionUse>;

/** Sets `key`; by default under the option's own name. */
export const ours = (form: ValueForm, key: string): OptionUse => ({ use: 'ours', key, form });

/** What an option comes to with the keys that there are: one whose key does not exist yet is missing. */
export function effectiveUse(use: OptionUse): OptionUse {
  if (use.use !== 'ours' || isOurKey(use.key)) return use;
  return { use: 'missing', what: 'not supported yet' };
}

/** Is there such a key in an app's file? */
export function isOurKey(key: string): boolean {
  return Object.hasOwn(vassalFields, key);
}
