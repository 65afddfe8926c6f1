import { isProcessAlive, useKubernetes, waitFor } from '../index';
import { ask, createPod, podsPath, recordSequence, shellPod, waitForPhase } from './testing/client';

const untilKilled = "trap '' TERM; echo up; while :; do sleep 0.05; done";
const obedient = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

describe('a deletion on the test API server', () => {
  const server = useKubernetes({ secondMs: 50 });

  async function running(name: string, script: string, pod = {}): Promise<number> {
    await createPod(server(), shellPod(name, script, pod));
    await waitForPhase(server(), name, 'Running');
    // Only then has it set its trap.
    await waitFor(async () => (await ask(server(), 'GET', `${podsPath}/${name}/log`)).text === 'up\n');
    return server().pidOf('default', name) ?? 0;
  }
  const remove = (name: string, query = '', body?: object) =>
    ask(server(), 'DELETE', `${podsPath}/${name}${query}`, { body });
  const gone = (name: string) => waitFor(() => !server().pod('default', name));

  it('answers 200 with the pod, not a Status', async () => {
    await running('p', obedient);
    const answer = await remove('p', '', { gracePeriodSeconds: 15, propagationPolicy: 'Background' });
    expect(answer.code).toBe(200);
    expect(answer.json()).toMatchObject({
      kind: 'Pod',
      metadata: { name: 'p', generation: 2, deletionGracePeriodSeconds: 15 },
      status: { phase: 'Running' },
    });
  });

  it('of a pod that ignores TERM ends in KILL after the grace: Failed while it is being deleted, then gone', async () => {
    const pid = await running('p', untilKilled);
    const sequence = recordSequence(server(), 'p');
    await remove('p', '?gracePeriodSeconds=4');
    await gone('p');
    expect(sequence.lines).toEqual([
      'M Running [main=running] deleting(grace 4)',
      'M Failed [main=terminated:Error:137] deleting(grace 4)',
      'M Failed [main=terminated:Error:137] deleting(grace 0)',
      'D Failed [main=terminated:Error:137] deleting(grace 0)',
    ]);
    expect(isProcessAlive(pid)).toBe(false);
  });

  it('of a pod that handles TERM with exit 0 shows it as Succeeded while deletionTimestamp is set', async () => {
    await running('p', obedient);
    const sequence = recordSequence(server(), 'p');
    await remove('p', '?gracePeriodSeconds=1000');
    await gone('p');
    expect(sequence.lines).toContain('M Succeeded [main=terminated:Completed:0] deleting(grace 1000)');
  });

  it('does not reach a first process without a handler for TERM, as in a container', async () => {
    await running('p', 'echo up; exec sleep 1000');
    const sequence = recordSequence(server(), 'p');
    await remove('p', '?gracePeriodSeconds=2');
    await gone('p');
    expect(sequence.lines).toContain('M Failed [main=terminated:Error:137] deleting(grace 2)');
  });

  it('with grace 0 is a DELETED with phase Running, and nothing before it', async () => {
    const pid = await running('p', untilKilled);
    const sequence = recordSequence(server(), 'p');
    await remove('p', '?gracePeriodSeconds=0');
    expect(sequence.lines).toEqual(['D Running [main=running]']);
    await waitFor(() => !isProcessAlive(pid));
  });

  it('may be given a shorter grace later, not a longer one', async () => {
    await running('p', untilKilled);
    await remove('p', '?gracePeriodSeconds=100000');
    const longer = await remove('p', '?gracePeriodSeconds=200000');
    expect(longer.json().metadata.deletionGracePeriodSeconds).toBe(100_000);
    await remove('p', '?gracePeriodSeconds=1');
    await gone('p');
  });

  it('of an unscheduled or a finished pod is done at once, whatever the grace', async () => {
    const container = { resources: { requests: { cpu: '1000000' } } };
    await createPod(server(), shellPod('unscheduled', '', { container }));
    await createPod(server(), shellPod('finished', 'true'));
    await waitForPhase(server(), 'finished', 'Succeeded');
    for (const name of ['unscheduled', 'finished']) {
      await remove(name, '?gracePeriodSeconds=30');
      expect(server().pod('default', name)).toBeUndefined();
    }
  });

  it('of a pod that waits for its image leaves nothing', async () => {
    await createPod(server(), shellPod('p', '', { container: { image: 'missing/x:1' } }));
    await waitFor(() => server().pod('default', 'p')?.status.containerStatuses?.[0]?.state.waiting?.message);
    await remove('p');
    await gone('p');
  });

  it('waits for finalizers', async () => {
    const pod = shellPod('p', 'true') as { metadata: object };
    await createPod(server(), { ...pod, metadata: { ...pod.metadata, finalizers: ['test/keep'] } });
    await waitForPhase(server(), 'p', 'Succeeded');
    await remove('p');
    expect(server().pod('default', 'p')?.metadata.deletionTimestamp).toBeDefined();
    const body = { metadata: { finalizers: null } };
    await ask(server(), 'PATCH', `${podsPath}/p`, { body, contentType: 'application/merge-patch+json' });
    expect(server().pod('default', 'p')).toBeUndefined();
  });

  it('of a collection goes by label', async () => {
    for (const [name, app] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'y'],
    ] as const) {
      await createPod(server(), shellPod(name, 'true', { labels: { app } }));
      await waitForPhase(server(), name, 'Succeeded');
    }
    const answer = await ask(server(), 'DELETE', `${podsPath}?labelSelector=app%3Dx`);
    expect(answer.code).toBe(200);
    expect(
      server()
        .pods()
        .map(({ metadata }) => metadata.name),
    ).toEqual(['c']);
  });

  it('of what is gone is 404', async () => {
    expect((await remove('zzz')).code).toBe(404);
  });
});
