import type { V1Pod } from '@kubernetes/client-node';
import { waitFor } from '@ryax/testing';
import type { Answered, PodApi } from './cluster/pod-api';
import { RoomLine } from './cluster/room-line';
import { createPod, type Created } from './pod-creation';
import { waitForTurnsAlone } from './testing/turns';

const pod: V1Pod = { metadata: { name: 'ryax-work-1', uid: 'one' } };
const full = { verdict: 'quota', message: 'exceeded quota: pods' } as const;
const { signal } = new AbortController();

describe('the creation of pods that a quota has no room for', () => {
  let room: number;
  let line: RoomLine;
  let order: string[];
  beforeEach(() => {
    room = 0;
    line = new RoomLine();
    order = [];
    waitForTurnsAlone();
  });
  afterEach(() => jest.restoreAllMocks());

  /** Tries until the server has room. */
  function create(name: string, stopped: AbortSignal = signal): { created: Promise<Created>; tries: () => number } {
    let tries = 0;
    const api = {
      create: (): Promise<Answered<V1Pod>> => {
        tries++;
        order.push(name);
        if (room === 0) return Promise.resolve(full);
        room--;
        return Promise.resolve({ verdict: 'ok', object: pod });
      },
    } as unknown as PodApi;
    const parts = {
      ...{ api, room: line, incarnation: 'executor-1', seen: () => undefined, say: () => undefined },
      mayCreate: () => true,
      isWaitedFor: () => true,
    };
    return { created: createPod(pod, parts, stopped, signal), tries: () => tries };
  }

  it('is tried again when something has ended, and as long as there is room for the next', async () => {
    const [first, second, third] = ['first', 'second', 'third'].map((name) => create(name));
    await waitFor(() => order.length === 3);
    room = 2;
    line.freed();
    expect(await first?.created).toEqual({ type: 'pod', pod });
    expect(await second?.created).toEqual({ type: 'pod', pod });
    await waitFor(() => third?.tries() === 2);
    expect(order).toEqual(['first', 'second', 'third', 'first', 'second', 'third']);
    room = 1;
    line.freed();
    expect(await third?.created).toEqual({ type: 'pod', pod });
  });

  it('leaves its turn to the next when it is stopped', async () => {
    const stop = new AbortController();
    const [first, second] = [create('first', stop.signal), create('second')];
    await waitFor(() => order.length === 2);
    room = 1;
    line.freed();
    stop.abort();
    expect(await first.created).toEqual({ type: 'stopped' });
    expect(await second.created).toEqual({ type: 'pod', pod });
    expect(first.tries()).toBe(1);
  });
});
