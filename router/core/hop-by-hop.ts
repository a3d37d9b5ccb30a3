// The fields that concern one connection only (RFC 9110 section 7.6.1) or say where a message ends: never passed on in
// either direction, but written anew where the next connection needs them. Pure; what else a direction drops is its own.
import { fieldIds } from '../http1/field-names.ts';

export const hopByHopIds: readonly number[] = [
  fieldIds.connection,
  fieldIds.keepAlive,
  fieldIds.proxyConnection,
  fieldIds.te,
  fieldIds.trailer,
  fieldIds.transferEncoding,
  fieldIds.contentLength,
  fieldIds.upgrade,
  fieldIds.http2Settings,
  // Between a client and a proxy in front of us.
  fieldIds.proxyAuthenticate,
  fieldIds.proxyAuthorization,
];
