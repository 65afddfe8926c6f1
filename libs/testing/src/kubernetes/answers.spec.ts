import { startKubernetes, useKubernetes, waitFor } from '../index';
import { notAllowed } from './answers';
import { pods } from './objects';
import {
  ask,
  createPod,
  openStream,
  podsPath,
  recorded,
  recordedAnswer,
  shellPod,
  waitForPhase,
  type WatchEvent,
} from './testing/client';

const untilKilled = "trap '' TERM; while :; do sleep 0.05; done";

describe('the test API server answers as a real one was recorded to', () => {
  const server = useKubernetes({ namespaces: ['wf'], secondMs: 5 });

  it('401 without the right token', async () => {
    const answer = await ask(server(), 'GET', podsPath, { token: 'other' });
    expect([answer.code, answer.json()]).toEqual([401, recordedAnswer('401')]);
  });

  it.each([
    ['404-pod', 'GET', `${podsPath}/zzz`, undefined],
    ['404-log-of-missing-pod', 'GET', `${podsPath}/zzz/log`, undefined],
    ['404-namespace', 'POST', '/api/v1/namespaces/nope/pods', shellPod('x', '')],
    ['400-malformed', 'POST', podsPath, '{'],
    ['400-bad-selector', 'GET', `${podsPath}?labelSelector=${encodeURIComponent('a b c')}`, undefined],
    ['422-invalid', 'POST', podsPath, shellPod('Bad_Name', '')],
  ])('%s', async (name, method, path, body) => {
    const answer = await ask(server(), method, path, { body });
    expect(answer.json()).toEqual(recordedAnswer(name));
    expect(answer.code).toBe(recordedAnswer(name).code);
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('409-already-exists', async () => {
    await createPod(server(), shellPod('ok', 'true'));
    const answer = await ask(server(), 'POST', podsPath, { body: shellPod('ok', 'true') });
    expect([answer.code, answer.json()]).toEqual([409, recordedAnswer('409-already-exists')]);
  });

  it('409-object-is-being-deleted, with the same reason', async () => {
    await createPod(server(), shellPod('term', untilKilled));
    await waitForPhase(server(), 'term', 'Running');
    await ask(server(), 'DELETE', `${podsPath}/term?gracePeriodSeconds=100000`);
    const answer = await ask(server(), 'POST', podsPath, { body: shellPod('term', 'true') });
    expect([answer.code, answer.json()]).toEqual([409, recordedAnswer('409-object-is-being-deleted')]);
  });

  it('409-uid-precondition', async () => {
    await createPod(server(), shellPod('ok', 'true'));
    const asked = '00000000-0000-0000-0000-000000000000';
    const answer = await ask(server(), 'DELETE', `${podsPath}/ok`, { body: { preconditions: { uid: asked } } });
    const uid = server().pod('default', 'ok')?.metadata.uid ?? '';
    const expected = recordedAnswer('409-uid-precondition');
    expect(answer.json()).toEqual({
      ...expected,
      message: expected.message.replace('2f8ce12b-34eb-418e-beaa-201149e65f5c', uid),
    });
  });

  it('403-exceeded-quota, until a pod has finished', async () => {
    server().setPolicy('default', { maxPods: 1 });
    await createPod(server(), shellPod('first', untilKilled));
    await waitForPhase(server(), 'first', 'Running');
    const answer = await ask(server(), 'POST', podsPath, { body: shellPod('q', 'true') });
    const expected = recordedAnswer('403-exceeded-quota');
    const message = 'pods "q" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=1, limited: pods=1';
    expect([answer.code, answer.json()]).toEqual([403, { ...expected, message }]);
    server().misbehaviour.oomKill('default', 'first');
    await waitForPhase(server(), 'first', 'Failed');
    await createPod(server(), shellPod('q', 'true'));
  });

  it('403-limitrange', async () => {
    server().setPolicy('default', { maxMemory: '600Mi' });
    const container = { resources: { limits: { memory: '700Mi' } } };
    const answer = await ask(server(), 'POST', podsPath, { body: shellPod('q', 'true', { container }) });
    expect([answer.code, answer.json()]).toEqual([403, recordedAnswer('403-limitrange')]);
  });

  it('403-namespace-terminating', async () => {
    const own = await startKubernetes({ namespaces: ['doomed'] });
    own.setPolicy('doomed', { isTerminating: true });
    const answer = await ask(own, 'POST', '/api/v1/namespaces/doomed/pods', { body: shellPod('q', 'true') });
    await own.stop();
    expect([answer.code, answer.json()]).toEqual([403, recordedAnswer('403-namespace-terminating')]);
  });

  it('403-rbac', () => {
    const refusal = notAllowed('system:serviceaccount:wf:runner', 'list', pods, 'default');
    expect(refusal.body).toEqual(recordedAnswer('403-rbac'));
  });

  it('403 for a service account that does not exist', async () => {
    const body = shellPod('q', 'true', { spec: { serviceAccountName: 'nobody' } });
    const answer = await ask(server(), 'POST', podsPath, { body });
    expect(answer.code).toBe(403);
    expect(answer.json().message).toContain('error looking up service account default/nobody');
  });

  it('415-media-type for a patch without its content type', async () => {
    await createPod(server(), shellPod('ok', 'true'));
    const answer = await ask(server(), 'PATCH', `${podsPath}/ok`, { body: {} });
    expect([answer.code, answer.json()]).toEqual([415, recordedAnswer('415-media-type')]);
  });

  it('422-immutable', async () => {
    await createPod(server(), shellPod('ok', 'true'));
    const body = { spec: { restartPolicy: 'Always' } };
    const asked = { body, contentType: 'application/merge-patch+json' };
    const answer = await ask(server(), 'PATCH', `${podsPath}/ok`, asked);
    const { message, details, ...expected } = recordedAnswer('422-immutable');
    expect(answer.json()).toMatchObject(expected);
    expect(message.startsWith(answer.json().message)).toBe(true);
    expect(answer.json().details.causes[0]?.field).toBe(details.causes[0]?.field);
  });

  it('504-future-rv for a list from a version that is still to come', async () => {
    const answer = await ask(server(), 'GET', `${podsPath}?resourceVersion=999999999`);
    const expected = recordedAnswer('504-future-rv');
    const message = expected.message.replace(/current: \d+/, `current: ${server().store.version}`);
    expect([answer.code, answer.json()]).toEqual([504, { ...expected, message }]);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('410-watch-error-event: 200 and one line', async () => {
    const watch = await openStream(server(), `${podsPath}?watch=true&resourceVersion=1`);
    await waitFor(() => watch.state === 'ended');
    const expected = JSON.parse(recorded('errors/410-watch-error-event.body')) as WatchEvent;
    const message = `too old resource version: 1 (${server().store.oldestVersion})`;
    const object = { ...expected.object, message };
    expect([watch.code, watch.events]).toEqual([200, [{ type: 'ERROR', object }]]);
  });

  it('400 to a continuation that nobody has given, 410 to one that is too old', async () => {
    await createPod(server(), shellPod('a', 'true'));
    await createPod(server(), shellPod('b', 'true'));
    const token = (await ask(server(), 'GET', `${podsPath}?limit=1`)).json().metadata.continue as string;
    server().misbehaviour.expireVersions();
    expect((await ask(server(), 'GET', `${podsPath}?limit=1&continue=${token}`)).code).toBe(410);
    const garbage = (await ask(server(), 'GET', `${podsPath}?continue=garbage`)).json();
    expect(garbage).toMatchObject({ code: 400, reason: recordedAnswer('410-continue-garbage').reason });
  });
});
