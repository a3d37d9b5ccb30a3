// What wrk is to send, in its own language: a Lua script. Pure.

export interface RequestSpec {
  readonly method?: string;
  readonly path?: string;
  /** Asked in turn; one is enough. */
  readonly hosts: readonly string[];
  /** In their order on the wire. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  /** The sizes of the chunks in which the body is sent; none: with a Content-Length. */
  readonly chunks?: readonly number[];
}

/** The bytes of one request. */
export function requestBytes(spec: RequestSpec, host: string): string {
  const { method = 'GET', path = '/', headers = [], body, chunks } = spec;
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (body !== undefined)
    lines.push(chunks === undefined ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked');
  return `${lines.join('\r\n')}\r\n\r\n${body === undefined || chunks === undefined ? (body ?? '') : chunked(body, chunks)}`;
}

/** Every request is written before the load begins: wrk then sends it as it stands. */
export function wrkScript(spec: RequestSpec): string {
  const [first = ''] = spec.hosts;
  if (spec.hosts.length === 1) {
    return `wrk.format = function() return ${luaText(requestBytes(spec, first))} end\n`;
  }
  const [before = '', after = ''] = requestBytes(spec, '\0').split('\0');
  return `local hosts = { ${spec.hosts.map(luaText).join(', ')} }
local texts, at = {}, 0
for index, host in ipairs(hosts) do texts[index] = ${luaText(before)} .. host .. ${luaText(after)} end
request = function()
  at = at % #texts + 1
  return texts[at]
end
`;
}

function chunked(body: string, sizes: readonly number[]): string {
  let text = '';
  let at = 0;
  for (const size of sizes) {
    const chunk = body.slice(at, at + size);
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
    at += size;
  }
  if (at !== body.length) throw new Error(`chunks of ${at} bytes for a body of ${body.length}`);
  return `${text}0\r\n\r\n`;
}

/** ASCII only, which is all that these requests have. */
function luaText(text: string): string {
  return JSON.stringify(text);
}
