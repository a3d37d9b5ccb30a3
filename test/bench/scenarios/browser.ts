// What a browser sends and a page sends back: many header fields, a body of some size.
import type { Scenario } from '../speed/scenario.ts';
import { measureWrkCases } from '../speed/wrk-cases.ts';
import { requestBytes } from '../load/wrk-script.ts';
import { siteHost } from '../contenders/contender.ts';

const requestSize = 800;

/** With Host they are fifteen; the cookie makes the head as large as it is said to be. */
const headers: readonly (readonly [string, string])[] = [
  ['Connection', 'keep-alive'],
  ['Cache-Control', 'max-age=0'],
  ['Upgrade-Insecure-Requests', '1'],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Sec-Fetch-Site', 'same-origin'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-User', '?1'],
  ['Sec-Fetch-Dest', 'document'],
  ['Referer', `http://${siteHost}/page?from=elsewhere`],
  ['Accept-Encoding', 'gzip, deflate, br'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Priority', 'u=0, i'],
];

const withoutCookie = requestBytes({ path: '/page', headers, hosts: [] }, siteHost).length;
const cookie = [
  'Cookie',
  'session='.padEnd(requestSize - withoutCookie - 'Cookie: \r\n'.length, '0123456789abcdef'),
] as const;

export const browserRequest = { path: '/page', headers: [...headers, cookie] };

export const browser: Scenario = {
  summary: 'what a browser sends (15 fields, 800 bytes) and a page of 4 KB: CPU per request',
  run: (scope, settings) =>
    measureWrkCases(scope, settings, [
      {
        name: 'browser',
        load: 'GET as a browser sends it (15 header fields, 800 bytes), an answer of 4 KB with 8 header fields',
        request: browserRequest,
        atMost: 1.0,
      },
    ]),
};
