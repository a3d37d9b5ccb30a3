// Which names may not stand in a trailer section: there they come too late for what they decide, and a peer that merges
// them into the head would be misled (RFC 9110 section 6.5.1).
import { fieldIds, nameOfField } from './field-names.ts';
import type { Fields } from './message.ts';

const refusedNames = new Set(
  [
    fieldIds.host,
    fieldIds.connection,
    fieldIds.keepAlive,
    fieldIds.te,
    fieldIds.trailer,
    fieldIds.transferEncoding,
    fieldIds.upgrade,
    fieldIds.http2Settings,
    fieldIds.expect,
    fieldIds.range,
    fieldIds.cacheControl,
    fieldIds.authorization,
    fieldIds.cookie,
    fieldIds.setCookie,
    fieldIds.location,
    fieldIds.forwarded,
    fieldIds.xRequestId,
    fieldIds.xRealIp,
    fieldIds.proxy,
  ].map(nameOfField),
);
const refusedPrefixes = ['content-', 'x-forwarded-', 'proxy-'];
/** Made to be sent behind the content it is computed from (RFC 9530 section 6). */
const allowedName = 'content-digest';

/** The first refused name among the trailer lines, or undefined. `_` counts as `-`: CGI cannot tell them apart. */
export function findRefusedTrailer(trailers: Fields): string | undefined {
  for (let i = 0; i < trailers.count; i++) {
    const name = trailers.name(i).replaceAll('_', '-');
    if (name === allowedName) continue;
    if (refusedNames.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix))) return name;
  }
  return undefined;
}
