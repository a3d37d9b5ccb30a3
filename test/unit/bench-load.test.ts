// The load of the bench: what is sent is what the page says, and what wrk printed is read as it was meant.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseWrkReport } from '../bench/load/wrk-report.ts';
import { requestBytes, wrkScript } from '../bench/load/wrk-script.ts';
import { browserRequest } from '../bench/scenarios/browser.ts';
import { median, percentile } from '../bench/statistics.ts';

const report = `Running 4s test @ http://127.0.0.1:40000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.26ms  301.22us   8.79ms   93.62%
    Req/Sec    51.11k     2.44k   53.79k    90.00%
  Latency Distribution
     50%  980.00us
     75%    1.28ms
     90%    1.40ms
     99%    1.05s
  203412 requests in 4.00s, 31.23MB read
Requests/sec:  50851.33
Transfer/sec:      7.81MB
`;

describe('the report of wrk', () => {
  it('is read with its units', () => {
    assert.deepEqual(parseWrkReport(report), {
      requests: 203412,
      perSecond: 50851.33,
      p50Ms: 0.98,
      p99Ms: 1050,
      faults: '',
    });
  });

  it('has its faults told', () => {
    const faulty = `${report}  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 12\n`;
    const { faults } = parseWrkReport(faulty);
    assert.equal(faults, 'Socket errors: connect 0, read 3, write 0, timeout 1; Non-2xx or 3xx responses: 12');
  });

  it('has no figure that wrk did not print', () => {
    assert.ok(Number.isNaN(parseWrkReport('unable to connect').perSecond));
  });
});

describe('the requests of the bench', () => {
  it('are framed as they are said to be', () => {
    const body = 'x'.repeat(5);
    assert.equal(
      requestBytes({ method: 'POST', body, hosts: [] }, 'a.test'),
      'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nxxxxx',
    );
    assert.equal(
      requestBytes({ method: 'POST', body, chunks: [3, 2], hosts: [] }, 'a.test'),
      'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxxx\r\n2\r\nxx\r\n0\r\n\r\n',
    );
    assert.throws(() => requestBytes({ body, chunks: [3], hosts: [] }, 'a.test'), /chunks of 3 bytes for a body of 5/);
  });

  it('of a browser have 15 header fields and 800 bytes', () => {
    const bytes = requestBytes({ ...browserRequest, hosts: [] }, 'a.test');
    assert.equal(bytes.length, 800);
    assert.equal(bytes.split('\r\n').length - 3, 15);
  });

  it('are written once, before the load begins', () => {
    const one = wrkScript({ hosts: ['a.test'] });
    assert.equal(one, 'wrk.format = function() return "GET / HTTP/1.1\\r\\nHost: a.test\\r\\n\\r\\n" end\n');
    const two = wrkScript({ hosts: ['a.test', 'b.test'] });
    assert.match(two, /^local hosts = \{ "a\.test", "b\.test" \}$/m);
    assert.match(two, /texts\[index\] = "GET \/ HTTP\/1\.1\\r\\nHost: " \.\. host \.\. "\\r\\n\\r\\n"/);
  });
});

describe('the statistics of the bench', () => {
  it('take the nearest rank', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2);
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 99), 10);
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90), 9);
    assert.ok(Number.isNaN(median([])));
  });
});
