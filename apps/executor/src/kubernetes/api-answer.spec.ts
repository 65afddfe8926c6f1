import fc from 'fast-check';
import { failureSchema } from '@ryax/contracts';
import { judgeAnswer, type ApiAnswer } from './api-answer';
import { recordedAnswer, recordedAnswers } from './testing/recorded';

function verdictOf(name: string) {
  return judgeAnswer(recordedAnswer(name));
}

function answer(status: number, body: string, headers: Record<string, string> = {}): ApiAnswer {
  return { type: 'answer', status, headers, body };
}

function statusOf(code: number, reason: string, message: string, details = {}): string {
  return JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message, details });
}

describe('the verdict on an answer of the API server', () => {
  it.each([
    ['204-log-unscheduled', 'ok'],
    ['400-bad-selector', 'rejected'],
    ['400-log-bad-image', 'rejected'],
    ['400-log-container-creating', 'rejected'],
    ['400-log-previous', 'rejected'],
    ['400-log-wrong-container', 'rejected'],
    ['400-malformed', 'rejected'],
    ['401', 'rejected'],
    ['403-exceeded-quota', 'quota'],
    ['403-limitrange', 'rejected'],
    ['403-namespace-terminating', 'rejected'],
    ['403-rbac', 'rejected'],
    ['404-log-of-missing-pod', 'gone'],
    ['404-namespace', 'rejected'],
    ['404-pod', 'gone'],
    ['409-already-exists', 'adopt'],
    ['409-object-is-being-deleted', 'wait-for-deletion'],
    ['409-uid-precondition', 'conflict'],
    ['410-continue-garbage', 'expired'],
    ['410-watch-error-event', 'expired'],
    ['415-media-type', 'rejected'],
    ['422-immutable', 'conflict'],
    ['422-invalid', 'rejected'],
    ['504-future-rv', 'expired'],
    ['delete-returns-pod', 'ok'],
  ])('%s is %s', (name, verdict) => {
    expect(verdictOf(name).verdict).toBe(verdict);
  });

  it('covers every answer that was recorded', () => {
    expect(Object.keys(recordedAnswers)).toHaveLength(25);
  });

  it('never throws, and rejects only with a failure that can be reported', () => {
    const texts = fc.constantFrom(
      'NotFound',
      'AlreadyExists',
      'Conflict',
      'Expired',
      '',
      'pods is forbidden: exceeded quota: q',
    );
    const bodies = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record(
          {
            kind: fc.constantFrom('Status', 'Pod'),
            code: fc.oneof(fc.constantFrom(410, 409), fc.string()),
            reason: fc.oneof(texts, fc.constant(null)),
            message: fc.oneof(texts, fc.nat()),
            details: fc.oneof(
              fc.constant(null),
              fc.string(),
              fc.record({ causes: fc.array(fc.constant({ reason: 1 })) }),
            ),
          },
          { requiredKeys: [] },
        )
        .chain((status) => fc.constantFrom(JSON.stringify(status), JSON.stringify({ type: 'ERROR', object: status }))),
    );
    const headers = fc.dictionary(fc.constantFrom('Retry-After', 'content-type'), fc.constantFrom('1', '-1', 'x', ''));

    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), headers, bodies, (status, headers, body) => {
        const verdict = judgeAnswer({ type: 'answer', status, headers, body });
        expect(judgeAnswer({ type: 'answer', status, headers, body })).toEqual(verdict);
        if (verdict.verdict === 'rejected') expect(failureSchema.parse(verdict.failure).kind).toBe('rejected');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an answer that no repeat can better', () => {
  it('is rejected with the reason of the server and the fields at fault', () => {
    expect(verdictOf('422-invalid')).toEqual({
      verdict: 'rejected',
      failure: {
        kind: 'rejected',
        message: expect.stringMatching(/^The cluster refused: Pod "Bad_Name" is invalid: metadata.name: Invalid value/),
        details: {
          status: 422,
          reason: 'Invalid',
          causes: [{ field: 'metadata.name', message: expect.stringContaining('lowercase RFC 1123 subdomain') }],
        },
      },
    });
  });

  it.each([
    ['403-rbac', 'cannot list resource "pods"', "Give the executor's service account this right"],
    ['403-limitrange', 'maximum memory usage per Container is 600Mi, but limit is 700Mi', ''],
    ['403-namespace-terminating', 'because it is being terminated', ''],
    ['404-namespace', 'namespaces "nope" not found', 'Create the namespace'],
    ['401', 'Unauthorized', 'Check the credentials'],
  ])('%s says what is wrong and what to do', (name, what, advice) => {
    const verdict = verdictOf(name);
    const message = verdict.verdict === 'rejected' ? verdict.failure.message : '';

    expect(message).toContain(what);
    expect(message).toContain(advice);
  });

  it.each([
    [
      'error looking up service account actions/runner: serviceaccount "runner" not found',
      'Create the service account',
    ],
    ['failed quota: q: must specify limits.cpu for: main', "Declare these in the action's resources"],
  ])('403 of the pod itself is not taken for a full quota: %s', (why, advice) => {
    const verdict = judgeAnswer(answer(403, statusOf(403, 'Forbidden', `pods "q" is forbidden: ${why}`)));

    expect(verdict).toMatchObject({ verdict: 'rejected', failure: { message: expect.stringContaining(advice) } });
  });

  it('names no fields where none is at fault', () => {
    expect(verdictOf('401')).toMatchObject({ failure: { details: { status: 401, reason: 'Unauthorized' } } });
    expect(JSON.stringify(verdictOf('401'))).not.toContain('causes');
  });

  it('without a body names the status', () => {
    expect(judgeAnswer(answer(405, ''))).toMatchObject({
      verdict: 'rejected',
      failure: { message: 'The cluster refused: HTTP status 405' },
    });
  });
});

describe('an answer that asks for patience', () => {
  it('429 in plain text names the time to wait', () => {
    const body = 'Too many requests, please try again later.';

    expect(judgeAnswer(answer(429, body, { 'Retry-After': '3', 'content-type': 'text/plain' }))).toEqual({
      verdict: 'throttled',
      retryAfterMs: 3_000,
      message: body,
    });
  });

  it('429 without a time waits for a second, with an absurd one for a minute', () => {
    expect(judgeAnswer(answer(429, ''))).toMatchObject({ retryAfterMs: 1_000 });
    expect(judgeAnswer(answer(429, '', { 'retry-after': 'tomorrow' }))).toMatchObject({ retryAfterMs: 1_000 });
    expect(judgeAnswer(answer(429, '', { 'retry-after': '999999' }))).toMatchObject({ retryAfterMs: 60_000 });
  });

  it('429 may name the time in its body', () => {
    const body = statusOf(429, 'TooManyRequests', 'too many', { retryAfterSeconds: 7 });

    expect(judgeAnswer(answer(429, body))).toMatchObject({ verdict: 'throttled', retryAfterMs: 7_000 });
  });

  it.each([302, 408, 500, 502, 503, 504])('%i is unavailable, with or without a time', (status) => {
    expect(judgeAnswer(answer(status, '<html>'))).toMatchObject({ verdict: 'unavailable', retryAfterMs: undefined });
    expect(judgeAnswer(answer(status, '', { 'retry-after': '2' }))).toMatchObject({ retryAfterMs: 2_000 });
  });

  it('a refused connection is unavailable', () => {
    expect(judgeAnswer({ type: 'none', reason: 'connect ECONNREFUSED' })).toEqual({
      verdict: 'unavailable',
      retryAfterMs: undefined,
      message: 'connect ECONNREFUSED',
    });
  });

  it('a quota whose use is not counted yet is a quota', () => {
    const body = statusOf(403, 'Forbidden', 'pods "q" is forbidden: status unknown for quota: q, resources: pods');

    expect(judgeAnswer(answer(403, body)).verdict).toBe('quota');
  });
});

describe('an answer about somebody who was faster', () => {
  it('sends a create again at once that lost a race for the quota', () => {
    const message =
      'Operation cannot be fulfilled on resourcequotas "q": the object has been modified; please apply your changes to the latest version and try again';

    expect(judgeAnswer(answer(409, statusOf(409, 'Conflict', message)))).toEqual({
      verdict: 'conflict',
      next: 'repeat',
      message,
    });
  });

  it.each(['409-uid-precondition', '422-immutable'])('reads the object again: %s', (name) => {
    expect(verdictOf(name)).toMatchObject({ verdict: 'conflict', next: 'reread' });
  });

  it('reads the object again that was changed since it was read', () => {
    const message = 'Operation cannot be fulfilled on pods "ok": the object has been modified';

    expect(judgeAnswer(answer(409, statusOf(409, 'Conflict', message)))).toMatchObject({ next: 'reread' });
  });
});

describe('an answer about a version that is no more', () => {
  it.each([
    ['the status of a list', answer(410, statusOf(410, 'Expired', 'The provided continue parameter is too old'))],
    ['a status without a body', answer(410, '')],
    ['its old name', answer(410, statusOf(410, 'Gone', 'too old resource version'))],
    ['a watch that began well', answer(200, `{"type":"ERROR","object":${statusOf(410, 'Gone', 'too old')}}\n`)],
    [
      'a watch whose error has only the old name',
      answer(200, '{"type":"ERROR","object":{"kind":"Status","reason":"Gone"}}'),
    ],
    ['a watch whose error has no code', answer(200, '{"type":"ERROR","object":{"kind":"Status","reason":"Expired"}}')],
  ])('is expired: %s', (_, given) => {
    expect(judgeAnswer(given).verdict).toBe('expired');
  });

  it('is not every error of a watch', () => {
    const event = (object: string) => judgeAnswer(answer(200, `{"type":"ERROR","object":${object}}`));

    expect(event(statusOf(429, 'TooManyRequests', 'too many'))).toMatchObject({ verdict: 'throttled' });
    expect(event(statusOf(500, 'InternalError', 'etcdserver: no leader'))).toMatchObject({ verdict: 'unavailable' });
    expect(event('{"strange":true}')).toMatchObject({ verdict: 'unavailable' });
  });

  it('is not read out of objects that went well', () => {
    expect(judgeAnswer(answer(200, '{"type":"MODIFIED","object":{"kind":"Pod"}}')).verdict).toBe('ok');
    expect(judgeAnswer(answer(200, statusOf(410, 'Expired', 'a body that was asked for'))).verdict).toBe('ok');
  });
});

describe('404', () => {
  it('is not believed to a proxy', () => {
    expect(judgeAnswer(answer(404, 'default backend - 404')).verdict).toBe('unavailable');
  });
});
