import type { V1Pod } from '@kubernetes/client-node';
import type { Answered, PodApi } from './cluster/pod-api';
import { RoomLine } from './cluster/room-line';
import { createPod } from './pod-creation';

const pod: V1Pod = { metadata: { name: 'ryax-work-1', uid: 'one' } };
const full = { verdict: 'quota', message: 'exceeded quota: pods' } as const;
const created = { verdict: 'ok', object: pod } as const;

describe('the creation of a pod that a quota has no room for', () => {
  const { signal } = new AbortController();

  /** The server says these things, one after the other. */
  function creationOf(...answers: Answered<V1Pod>[]) {
    const room = new RoomLine();
    const create = jest.fn(() => Promise.resolve(answers.shift() ?? created));
    const parts = {
      api: { create } as unknown as PodApi,
      incarnation: 'executor-1',
      mayCreate: () => true,
      isWaitedFor: () => true,
      room,
      seen: () => undefined,
      say: () => undefined,
    };
    return { room, create, parts };
  }

  afterEach(() => jest.restoreAllMocks());

  it('is tried again when a pod of the site has ended, not only when its back-off is over', async () => {
    const { parts, room, create } = creationOf(full);
    const turn = jest.spyOn(room, 'turn').mockResolvedValue(true);
    jest.spyOn(Math, 'random').mockReturnValue(0);
    expect(await createPod(pod, parts, signal, signal)).toEqual({ type: 'pod', pod });
    expect([turn, create].map(({ mock }) => mock.calls.length)).toEqual([1, 2]);
  });

  it('waits longer from try to try while none ends, and begins anew after a turn', async () => {
    const { parts, room } = creationOf(full, full, full, full, full);
    jest.spyOn(Math, 'random').mockReturnValue(0.001);
    const turns = [false, false, false, true, false];
    const turn = jest.spyOn(room, 'turn').mockImplementation(() => Promise.resolve(turns.shift() ?? false));
    await createPod(pod, parts, signal, signal);
    const waits = turn.mock.calls.map(([atMostMs]) => Math.round(atMostMs * 1_000));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 2_000]);
  });
});
