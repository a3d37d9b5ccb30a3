// Which fields of a client's request a worker gets to see, in whatever form it is told them. Pure.
// Whatever decides where a message ends, where it goes or who sent it is written anew and never passed on.
import { fieldIds, fieldIdCount } from '../http1/field-names.ts';
import type { RequestHead } from '../http1/message.ts';
import { hopByHopIds } from './hop-by-hop.ts';

const passed = 0;
const dropped = 1;
/** Tells of the client as a proxy saw it: passed on from a trusted proxy, else dropped. */
const forwarded = 2;
/** None of the known names: its spelling decides. */
const unknown = 3;

const rules = new Uint8Array(fieldIdCount);
rules[fieldIds.other] = unknown;
for (const id of [
  ...hopByHopIds,
  fieldIds.host,
  fieldIds.expect,
  // `Proxy` becomes HTTP_PROXY in a CGI environment (httpoxy).
  fieldIds.proxy,
  fieldIds.xForwardedFor,
  fieldIds.xRequestId,
]) {
  rules[id] = dropped;
}
for (const id of [
  fieldIds.xForwardedProto,
  fieldIds.xForwardedHost,
  fieldIds.xForwardedPort,
  fieldIds.xRealIp,
  fieldIds.forwarded,
]) {
  rules[id] = forwarded;
}

/** Names that gateways cannot map to another name: in CGI `_`, `.` and `-` become the same character. */
export const unmistakableName = /^[a-z0-9-]+$/;

/**
 * Whether line `i` reaches the worker; the answer is the same for all lines of a name. `isTrusted`: the client is a
 * proxy that is believed. `keepsTrailer`: trailers follow the body, so their announcement does too.
 */
export function isPassedOn(head: RequestHead, i: number, isTrusted: boolean, keepsTrailer: boolean): boolean {
  const { fields, nominated } = head;
  const id = fields.id(i);
  const rule = rules[id];
  if (rule !== passed) {
    if (rule === unknown && !isPassedName(fields.name(i), isTrusted)) return false;
    if (rule === dropped && !(id === fieldIds.trailer && keepsTrailer)) return false;
    if (rule === forwarded && !isTrusted) return false;
  }
  return nominated.length === 0 || !nominated.includes(fields.name(i));
}

function isPassedName(name: string, isTrusted: boolean): boolean {
  return unmistakableName.test(name) && (isTrusted || !name.startsWith('x-forwarded-'));
}
