import fc from 'fast-check';
import { adopterOf, leaversAmong, leftBy, originOf, owned, ownerOf, type Origin } from './ownership';

const origin: Origin = {
  reply_partition: 7,
  since: 1_700_000_000_123,
  timeout_ms: 60_000,
  resources: { cpu: 2 },
  action: { type: 'container', outputs: [{ name: 'total', type: 'integer' }] },
};

describe('a pod', () => {
  const pod = { metadata: { name: 'p', labels: { kept: 'yes' }, annotations: { kept: 'too' } } };

  it('says who answers for it, and where its attempt comes from', () => {
    const found = owned(pod, 'incarnation-1', origin);
    expect(ownerOf(found)).toBe('incarnation-1');
    expect(originOf(found)).toEqual(origin);
    expect(found.metadata).toMatchObject({ name: 'p', labels: { kept: 'yes' }, annotations: { kept: 'too' } });
    expect(pod.metadata.labels).toEqual({ kept: 'yes' });
  });

  it('says who has let go of it, and then has no owner that lives', () => {
    const left = owned(pod, leftBy('incarnation-1'), origin);
    expect(leaversAmong([left, owned(pod, 'incarnation-2', origin), pod])).toEqual(new Set(['incarnation-1']));
    expect(ownerOf(left)).not.toBe('incarnation-1');
  });

  it.each([undefined, 'no JSON', '{}', '{"reply_partition": -1}'])('says nothing with %j in its place', (text) => {
    const changed = { metadata: { annotations: text === undefined ? {} : { 'ryax.tech/origin': text } } };
    expect(originOf(changed)).toBeUndefined();
  });
});

describe('the adopter of a pod', () => {
  const uids = fc.uuid();
  const incarnations = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 6 });

  it('is the same for all who ask, in whatever order they know of each other', () => {
    fc.assert(
      fc.property(uids, incarnations, (uid, alive) => {
        expect(alive).toContain(adopterOf(uid, alive));
        expect(adopterOf(uid, [...alive].reverse())).toBe(adopterOf(uid, alive));
      }),
    );
  });

  it('changes only where it leaves, or where the new one takes its place', () => {
    fc.assert(
      fc.property(uids, incarnations, fc.uuid(), (uid, alive, joining) => {
        const before = adopterOf(uid, alive);
        expect([before, joining]).toContain(adopterOf(uid, [...alive, joining]));
      }),
    );
  });

  it('is nobody where nobody lives', () => {
    expect(adopterOf('u1', [])).toBeUndefined();
  });
});
