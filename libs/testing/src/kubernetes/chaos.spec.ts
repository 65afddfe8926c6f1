import { useKubernetes, waitFor } from '../index';
import type { Chaos, HarmKind } from './chaos';
import { ask, createPod, openStream, podsPath, shellPod, waitForPhase } from './testing/client';

const untilKilled = "trap '' TERM; while :; do sleep 0.05; done";

describe('a schedule of harm to the cluster', () => {
  const server = useKubernetes({ secondMs: 50 });

  const start = (...kinds: HarmKind[]) => server().misbehaviour.chaos(1, { everyMs: 20, kinds, outageMs: 50 });
  /** Stops it after so many harms. */
  async function stopAfter(count: number, chaos: Chaos) {
    await waitFor(() => chaos.done.length >= count);
    return chaos.stop();
  }
  async function run(...names: string[]): Promise<void> {
    for (const name of names) await createPod(server(), shellPod(name, untilKilled));
    for (const name of names) await waitForPhase(server(), name, 'Running');
  }

  it('drops watches in the middle of a line', async () => {
    const stream = await openStream(server(), `${podsPath}?watch=true`);
    expect(await stopAfter(1, start('drop-watches'))).toContainEqual({ kind: 'drop-watches' });
    await waitFor(() => stream.state === 'broken');
  });

  it('silences watches', async () => {
    const stream = await openStream(server(), `${podsPath}?watch=true`);
    await stopAfter(1, start('silence-watches'));
    const fresh = await openStream(server(), `${podsPath}?watch=true`);
    await createPod(server(), shellPod('p', 'true'));
    await waitFor(() => fresh.events.length > 0);
    expect([stream.state, stream.text]).toEqual(['open', '']);
  });

  it('makes versions too old', async () => {
    const { resourceVersion } = (await ask(server(), 'GET', podsPath)).json().metadata;
    await createPod(server(), shellPod('p', 'true'));
    await waitForPhase(server(), 'p', 'Succeeded');
    await stopAfter(1, start('expire-versions'));
    const late = await openStream(server(), `${podsPath}?watch=true&resourceVersion=${resourceVersion}`);
    await waitFor(() => late.state === 'ended');
    expect(late.events).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });

  it.each([
    ['evict', { phase: 'Failed', reason: 'Evicted' }],
    ['oom-kill', { phase: 'Failed', containerStatuses: [{ state: { terminated: { reason: 'OOMKilled' } } }] }],
  ] as const)('does %s to one running pod after the other, each once, and says to which', async (kind, status) => {
    await createPod(server(), shellPod('finished', 'true'));
    await waitForPhase(server(), 'finished', 'Succeeded');
    await run('a', 'b');
    const chaos = start(kind);
    for (const name of ['a', 'b']) await waitForPhase(server(), name, 'Failed');
    const done = await chaos.stop();
    expect(done.map((harm) => [harm.kind, harm.pod?.name]).sort()).toEqual([
      [kind, 'a'],
      [kind, 'b'],
    ]);
    for (const { metadata, status: found } of ['a', 'b'].flatMap((name) => server().pod('default', name) ?? [])) {
      expect(found).toMatchObject(status);
      expect(done).toContainEqual({ kind, pod: { namespace: 'default', name: metadata.name, uid: metadata.uid } });
    }
    expect(server().pod('default', 'finished')?.status.phase).toBe('Succeeded');
  });

  it('deletes a running pod from outside, with its own grace', async () => {
    await createPod(server(), shellPod('p', untilKilled, { spec: { terminationGracePeriodSeconds: 3 } }));
    const running = await waitForPhase(server(), 'p', 'Running');
    const chaos = start('delete');
    const marked = await waitFor(() => {
      const pod = server().pod('default', 'p');
      return pod?.metadata.deletionTimestamp !== undefined && pod;
    });
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(3);
    await waitFor(() => !server().pod('default', 'p'));
    expect(await chaos.stop()).toMatchObject([{ kind: 'delete', pod: { name: 'p' } }]);
    expect(chaos.hasHit(running)).toBe(true);
  });

  it('removes finished pods and leaves the others', async () => {
    for (const name of ['a', 'b']) await createPod(server(), shellPod(name, 'true'));
    for (const name of ['a', 'b']) await waitForPhase(server(), name, 'Succeeded');
    await run('running');
    const done = await stopAfter(2, start('remove-finished'));
    const removed = done.map(({ kind, pod }) => `${kind} ${pod?.name}`);
    expect(removed.sort()).toEqual(['remove-finished a', 'remove-finished b']);
    expect(server().pods()).toMatchObject([{ metadata: { name: 'running' } }]);
  });

  it('takes the server down for a while; it is up once that is stopped', async () => {
    await run('p');
    const chaos = start('outage');
    await waitFor(() => ask(server(), 'GET', podsPath).then(...isRefused));
    await waitFor(() => ask(server(), 'GET', podsPath).then(...isAnswered));
    await stopAfter(2, chaos);
    expect((await ask(server(), 'GET', podsPath)).code).toBe(200);
    expect(server().pod('default', 'p')?.status.phase).toBe('Running');
  });

  it('comes by the time that it is told, which passes with what is done', async () => {
    let nowMs = 0;
    const chaos = server().misbehaviour.chaos(1, { everyMs: 1_000_000, kinds: ['drop-watches'], nowMs: () => nowMs });
    for (let count = 1; count <= 3; count++) {
      await waitFor(() => {
        nowMs += 100_000;
        return chaos.done.length === count;
      });
    }
    // Half of it is the least that lies between two harms.
    expect(nowMs).toBeGreaterThanOrEqual(1_500_000);
    expect(await chaos.stop()).toHaveLength(3);
  });

  it('ends with the server, even in the middle of an outage', async () => {
    const chaos = server().misbehaviour.chaos(1, { everyMs: 1, kinds: ['outage'], outageMs: 100_000 });
    await waitFor(() => chaos.done.length > 0);
    await server().stop();
    await expect(ask(server(), 'GET', podsPath)).rejects.toThrow(/ECONNREFUSED/);
    expect(await chaos.stop()).toEqual([{ kind: 'outage' }]);
  });

  it('is of the same kinds in the same order for the same seed, though there are other pods to hit', async () => {
    const kinds: HarmKind[] = ['drop-watches', 'expire-versions', 'silence-watches', 'oom-kill'];
    const draw = async (seed: number, count: number) => {
      const chaos = server().misbehaviour.chaos(seed, { everyMs: 2, kinds });
      const done = await stopAfter(count, chaos);
      return done.flatMap(({ kind }) => (kind === 'oom-kill' ? [] : [kind])).slice(0, 12);
    };
    const first = await draw(7, 16);
    await run('a', 'b', 'c');
    expect(await draw(7, 16)).toEqual(first);
    expect(await draw(8, 16)).not.toEqual(first);
  });
});

const isRefused = [() => false, () => true] as const;
const isAnswered = [() => true, () => false] as const;
