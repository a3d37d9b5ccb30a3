// The Upgrade field of a request or of a 101 answer: one line, a list of protocols, never h2c.
import { fieldIds } from './field-names.ts';
import type { FieldTable } from './field-table.ts';
import { elementsOf } from './list-value.ts';

const protocols = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/;

export type UpgradeField = { readonly value: string } | { readonly reason: string };

/** The value of the one Upgrade line, or why it is refused. Call only where there is such a line. */
export function readUpgrade(fields: FieldTable): UpgradeField {
  if (fields.linesOf(fieldIds.upgrade) > 1) return { reason: 'more than one Upgrade' };
  const value = fields.first(fieldIds.upgrade) ?? '';
  const offered = elementsOf(value);
  if (!offered.every((protocol) => protocols.test(protocol))) return { reason: 'malformed Upgrade' };
  // A tunnel of HTTP/2 frames would carry requests past every rule of the router.
  if (offered.some((protocol) => /^h2c?(?:\/|$)/i.test(protocol))) return { reason: 'Upgrade to h2c is not offered' };
  return { value };
}
