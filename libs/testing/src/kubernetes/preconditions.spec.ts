import { useKubernetes } from '../index';
import type { Metadata } from './objects';
import { ask, createPod, podsPath, shellPod } from './testing/client';

const merge = 'application/merge-patch+json';
const jsonPatch = 'application/json-patch+json';
const untilKilled = "trap '' TERM; while :; do sleep 0.05; done";
const otherUid = '00000000-0000-4000-8000-000000000000';

const conflict = {
  code: 409,
  reason: 'Conflict',
  message:
    'Operation cannot be fulfilled on pods "p": the object has been modified; please apply your changes to the latest version and try again',
};
const rejected = {
  code: 422,
  reason: 'Invalid',
  message: 'the server rejected our request due to an error in our request',
};

describe('a change that holds only for what its client has seen', () => {
  const server = useKubernetes();
  let seen: Metadata;

  beforeEach(async () => {
    const container = { resources: { requests: { cpu: '1000000' } } };
    await createPod(server(), shellPod('p', untilKilled, { labels: { state: 'warm' }, container }));
    seen = (await ask(server(), 'GET', `${podsPath}/p`)).json().metadata;
  });

  const patch = (body: unknown, contentType = merge) => ask(server(), 'PATCH', `${podsPath}/p`, { body, contentType });
  const change = () => patch({ metadata: { labels: { state: 'taken' } } });
  const labels = () => server().pod('default', 'p')?.metadata.labels;
  const claim = (metadata: Partial<Metadata>) =>
    patch({ metadata: { ...metadata, labels: { owner: 'me' }, annotations: { a: 'b' } } });

  it('is made by a merge patch that names the present version, once', async () => {
    const { resourceVersion } = (await change()).json().metadata;
    expect((await claim({ resourceVersion })).code).toBe(200);
    expect((await patch({ metadata: { resourceVersion, labels: { owner: 'you' } } })).json()).toMatchObject(conflict);
    expect(labels()).toEqual({ state: 'taken', owner: 'me' });
  });

  it('is refused with 409 by a merge patch of a version that has passed', async () => {
    await change();
    const { resourceVersion = '' } = seen;
    expect((await claim({ resourceVersion })).json()).toMatchObject(conflict);
    expect(labels()).toEqual({ state: 'taken' });
  });

  it('is made by a patch that names no version, whatever came before', async () => {
    await change();
    expect((await claim({})).code).toBe(200);
    expect(labels()).toEqual({ state: 'taken', owner: 'me' });
  });

  it('is refused with 422 by a patch of a pod of another uid', async () => {
    expect((await claim({ uid: seen.uid ?? '' })).code).toBe(200);
    expect((await claim({ uid: otherUid })).json()).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: `Pod "p" is invalid: metadata.uid: Invalid value: "${otherUid}": field is immutable`,
    });
  });

  it('is refused with 409 by a PUT of a pod of another uid', async () => {
    const pod = (await ask(server(), 'GET', `${podsPath}/p`)).json();
    const body = { ...pod, metadata: { ...pod.metadata, uid: otherUid, labels: {} } };
    const answer = (await ask(server(), 'PUT', `${podsPath}/p`, { body })).json();
    expect(answer).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(answer.message).toContain(`UID in precondition: ${otherUid}, UID in object meta: ${seen.uid}`);
    expect(labels()).toEqual({ state: 'warm' });
  });

  it.each([
    ['a label', { op: 'test', path: '/metadata/labels/state', value: 'warm' }],
    ['the version', { op: 'test', path: '/metadata/resourceVersion', value: 'seen' }],
  ])('is refused with 422 by a JSON patch whose test of %s fails, and does none of its steps', async (_what, test) => {
    const value = test.value === 'seen' ? seen.resourceVersion : test.value;
    const steps = [
      { op: 'add', path: '/metadata/labels/owner', value: 'me' },
      { ...test, value },
    ];
    await change();
    expect((await patch(steps, jsonPatch)).json()).toMatchObject(rejected);
    expect(labels()).toEqual({ state: 'taken' });
  });

  it('is made by a JSON patch whose tests hold', async () => {
    const steps = [
      { op: 'test', path: '/metadata/labels/state', value: 'warm' },
      { op: 'replace', path: '/metadata/labels/state', value: 'taken' },
    ];
    expect((await patch(steps, jsonPatch)).code).toBe(200);
    expect(labels()).toEqual({ state: 'taken' });
  });

  it('is refused with 409 by a JSON patch that puts in a version that has passed', async () => {
    await change();
    const steps = [{ op: 'replace', path: '/metadata/resourceVersion', value: seen.resourceVersion }];
    expect((await patch(steps, jsonPatch)).json()).toMatchObject(conflict);
  });

  it.each(['remove', 'replace'])('is refused with 422 by a JSON patch that is to %s what is not there', async (op) => {
    const answer = await patch([{ op, path: '/metadata/labels/absent', value: 'x' }], jsonPatch);
    expect(answer.json()).toMatchObject(rejected);
  });

  it('is refused with 409 by a deletion of another uid or version, and done by one of the present ones', async () => {
    const remove = (preconditions: object) => ask(server(), 'DELETE', `${podsPath}/p`, { body: { preconditions } });
    await change();
    const { uid = '', resourceVersion = '' } = seen;
    expect((await remove({ uid: otherUid })).json()).toMatchObject({ code: 409, reason: 'Conflict' });
    expect((await remove({ uid, resourceVersion })).json()).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(server().pod('default', 'p')).toBeDefined();
    const present = server().pod('default', 'p')?.metadata.resourceVersion;
    expect((await remove({ uid, resourceVersion: present })).code).toBe(200);
    expect(server().pod('default', 'p')).toBeUndefined();
  });
});
