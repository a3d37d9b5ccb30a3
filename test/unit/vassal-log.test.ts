import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonLogger } from '../../vassal/log.ts';

function recorder(lowest = 30): { lines: () => unknown[]; log: ReturnType<typeof jsonLogger> } {
  const written: string[] = [];
  const log = jsonLogger({ write: (line) => written.push(line) }, lowest, { name: 'vassal', pid: 7 });
  const parse = (line: string): unknown => {
    assert.match(line, /^[^\n]*\n$/);
    const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
    assert.equal(typeof time, 'number');
    return rest;
  };
  return { lines: () => written.map(parse), log };
}

describe("the primary's log", () => {
  it("has pino's keys and levels, with the bindings of every child", () => {
    const { lines, log } = recorder();
    log.child({ app: 'shop' }).child({ generation: 3 }).info({ worker: 1, why: undefined }, 'ready\nand well');
    log.warn('text only');
    assert.deepEqual(lines(), [
      { level: 30, name: 'vassal', pid: 7, app: 'shop', generation: 3, worker: 1, msg: 'ready\nand well' },
      { level: 40, name: 'vassal', pid: 7, msg: 'text only' },
    ]);
  });

  it('tells errors with their code and stack, alone or among the details', () => {
    const { lines, log } = recorder();
    const error = Object.assign(new TypeError('bad'), { code: 'EBAD' });
    log.fatal(error, 'bug');
    log.error({ reason: error }, 'bug');
    const told = { type: 'TypeError', message: 'bad', stack: error.stack, code: 'EBAD' };
    assert.deepEqual(lines(), [
      { level: 60, name: 'vassal', pid: 7, err: told, msg: 'bug' },
      { level: 50, name: 'vassal', pid: 7, reason: told, msg: 'bug' },
    ]);
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = recorder(50);
    log.info({}, 'no');
    log.warn('no');
    log.error('yes');
    assert.equal(lines().length, 1);
  });
});
