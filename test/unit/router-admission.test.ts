import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeAdmission, type Admission, type Admitted } from '../../router/core/admission.ts';

const limit = 1000;
const app = {
  isDown: false,
  isGateway: false,
  isTooLarge: (bytes: number): boolean => bytes > limit,
  route: { reason: '' },
};
const downApp = { ...app, isDown: true, route: { reason: 'crashes at boot' } };
const get: Admitted = { host: 'a.test', authority: 'A.test', framing: { kind: 'none' }, expectsContinue: false };
const post = (length: number): Admitted => ({ ...get, framing: { kind: 'length', length } });
const chunked: Admitted = { ...get, framing: { kind: 'chunked' } };

function causeOf(admission: Admission): string {
  return typeof admission === 'object' ? admission.cause : admission;
}

describe('the admission of a request', () => {
  it('gets it a worker at once, but waits with a chunked body, and asks for one that is offered', () => {
    assert.equal(judgeAdmission(get, app), 'serve');
    assert.equal(judgeAdmission(post(limit), app), 'serve');
    assert.equal(judgeAdmission(chunked, app), 'hold');
    assert.equal(judgeAdmission({ ...chunked, expectsContinue: true }, app), 'invite');
    const gateway = { ...app, isGateway: true };
    assert.equal(judgeAdmission({ ...chunked, expectsContinue: true }, gateway), 'serve', 'the worker asks itself');
  });

  it('refuses a body that its length says is too large, before it is asked for', () => {
    assert.equal(causeOf(judgeAdmission(post(limit + 1), app)), 'body-too-large');
    assert.equal(causeOf(judgeAdmission({ ...post(limit + 1), expectsContinue: true }, downApp)), 'body-too-large');
  });

  it('asks for no body that nobody would take, and says why; without one the pool decides', () => {
    assert.deepEqual(judgeAdmission({ ...post(1), expectsContinue: true }, downApp), {
      cause: 'app-down',
      page: undefined,
      detail: 'crashes at boot',
    });
    assert.equal(judgeAdmission(get, downApp), 'serve');
  });

  it('tells a host that has no app from a request that names no host', () => {
    const unknown = 'No app is served as a.test under this path.';
    assert.deepEqual(judgeAdmission(get, undefined), {
      cause: 'unknown-host',
      page: { status: 404, reason: unknown },
      detail: unknown,
    });
    assert.equal(causeOf(judgeAdmission({ ...get, host: '', authority: '' }, undefined)), 'client-malformed');
  });
});
