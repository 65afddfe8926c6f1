import { existsSync } from 'node:fs';
import type { PodStatus } from './objects';
import { isProcessAlive, startKubernetes, useKubernetes, waitFor } from '../index';
import {
  ask,
  createPod,
  podsPath,
  recorded,
  recordedSequence,
  recordSequence,
  shellPod,
  waitForPhase,
} from './testing/client';

const untilKilled = "trap '' TERM; while :; do sleep 0.05; done";
const shared = { name: 'shared', mountPath: '/shared' };

describe('a pod of the test API server', () => {
  const server = useKubernetes();

  it.each([
    ['ok', 'Succeeded', shellPod('ok', 'echo out')],
    ['exit7', 'Failed', shellPod('exit7', 'exit 7')],
    ['badcmd', 'Failed', shellPod('badcmd', '', { container: { command: ['/no/such/binary'] } })],
    [
      'initfail',
      'Failed',
      shellPod('initfail', 'exit 0', {
        spec: { initContainers: [{ name: 'init', image: 'busybox:1', command: ['sh', '-c', 'exit 3'] }] },
      }),
    ],
    [
      'sidecar',
      'Succeeded',
      // The sidecar is told to end only once it can hear it.
      shellPod('sidecar', 'until [ -e /shared/up ]; do sleep 0.02; done', {
        container: { volumeMounts: [shared] },
        spec: {
          volumes: [{ name: 'shared', emptyDir: {} }],
          initContainers: [
            {
              name: 'sc',
              image: 'busybox:1',
              restartPolicy: 'Always',
              command: ['sh', '-c', "trap 'exit 0' TERM; touch /shared/up; while :; do sleep 0.05; done"],
              volumeMounts: [shared],
            },
          ],
        },
      }),
    ],
    [
      'deadline',
      'Failed',
      shellPod('deadline', untilKilled, { spec: { activeDeadlineSeconds: 4, terminationGracePeriodSeconds: 1 } }),
    ],
  ])('goes through the recorded statuses: %s', async (name, phase, pod) => {
    const sequence = recordSequence(server(), name);
    await createPod(server(), pod);
    await waitForPhase(server(), name, phase);
    expect(sequence.lines).toEqual(recordedSequence(name));
  });

  it.each([
    ['oom', 'Failed', async () => server().misbehaviour.oomKill('default', 'oom')],
    ['disk', 'Failed', () => server().misbehaviour.evict('default', 'disk')],
  ])('goes through the recorded statuses: %s', async (name, phase, harm) => {
    const sequence = recordSequence(server(), name);
    await createPod(server(), shellPod(name, untilKilled));
    await waitForPhase(server(), name, 'Running');
    await harm();
    await waitForPhase(server(), name, phase);
    expect(sequence.lines).toEqual(recordedSequence(name));
  });

  it.each([
    ['never', shellPod('never', '', { container: { image: 'missing/absent:1', imagePullPolicy: 'Never' } })],
    ['badname', shellPod('badname', '', { container: { image: 'localhost/UPPER:1' } })],
    [
      'nosecret',
      shellPod('nosecret', '', {
        container: { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'nope', key: 'a' } } }] },
      }),
    ],
    ['novolume', shellPod('novolume', '', { spec: { volumes: [{ name: 'v', configMap: { name: 'nope' } }] } })],
    ['toobig', shellPod('toobig', '', { container: { resources: { requests: { cpu: '1000000' } } } })],
  ])('stays in its last recorded status: %s', async (name, pod) => {
    const expected = recordedSequence(name);
    const sequence = recordSequence(server(), name);
    await createPod(server(), pod);
    await waitFor(() => sequence.lines.length >= expected.length);
    expect(sequence.lines).toEqual(expected);
  });

  it('tells what it waits for only in its events when a volume is missing, and starts when that is there', async () => {
    const spec = { volumes: [{ name: 'v', configMap: { name: 'late' } }] };
    const container = { volumeMounts: [{ name: 'v', mountPath: '/in' }] };
    await createPod(server(), shellPod('novolume', 'test "$(cat /in/key)" = value', { spec, container }));
    await waitFor(async () => {
      const events = await ask(server(), 'GET', '/api/v1/namespaces/default/events?fieldSelector=reason=FailedMount');
      return events.json().items[0]?.message?.includes('configmap "late" not found');
    });
    const body = { metadata: { name: 'late' }, data: { key: 'value' } };
    await ask(server(), 'POST', '/api/v1/namespaces/default/configmaps', { body });
    await waitForPhase(server(), 'novolume', 'Succeeded');
  });

  it('has the fields of a recorded status at its end', async () => {
    await createPod(server(), shellPod('ok', 'true'));
    const { status } = await waitForPhase(server(), 'ok', 'Succeeded');
    const last = recordedStatuses('ok').at(-1);
    const withoutTimes = ({ conditions = [] }: Partial<PodStatus>) =>
      conditions.map(({ lastTransitionTime: _time, ...rest }) => rest);
    expect(withoutTimes(status)).toEqual(withoutTimes(last ?? {}));
    expect(Object.keys(last ?? {})).toEqual(expect.arrayContaining(Object.keys(status)));
    const [main] = status.containerStatuses ?? [];
    expect(Object.keys(main?.state.terminated ?? {})).toEqual(
      Object.keys(last?.containerStatuses?.[0]?.state.terminated ?? {}),
    );
  });

  it('leaves its termination message where its command wrote it, and nothing on the machine', async () => {
    const container = { terminationMessagePath: '/dev/termination-log-of-mine' };
    await createPod(server(), shellPod('told', 'echo 42 > /dev/termination-log-of-mine; exit 3', { container }));
    const { status } = await waitForPhase(server(), 'told', 'Failed');
    expect(status.containerStatuses?.[0]?.state.terminated).toMatchObject({ message: '42\n', exitCode: 3 });
    expect(existsSync('/dev/termination-log-of-mine')).toBe(false);
  });

  it('takes the end of its log for the message when asked to', async () => {
    const container = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    await createPod(server(), shellPod('told', 'echo why; exit 1', { container }));
    const { status } = await waitForPhase(server(), 'told', 'Failed');
    expect(status.containerStatuses?.[0]?.state.terminated?.message).toBe('why\n');
  });

  it('gets variables from values, secrets and its own fields, and only PATH from the machine', async () => {
    const body = { metadata: { name: 's' }, stringData: { key: 'hidden' } };
    await ask(server(), 'POST', '/api/v1/namespaces/default/secrets', { body });
    const env = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)-$$(A)' },
      { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ];
    const command = ['sh', '-c', 'echo "$A $B $SECRET $IP $(A) $USER"'];
    await createPod(server(), shellPod('env', '', { container: { env, command } }));
    const { status } = await waitForPhase(server(), 'env', 'Succeeded');
    const log = await ask(server(), 'GET', `${podsPath}/env/log`);
    expect(log.text).toBe(`a a-$(A) hidden ${status.podIP} a \n`);
  });

  it('gives an image its entrypoint, and another pod another address', async () => {
    const images = { 'app:1': { command: ['sh', '-c', 'echo started with $0'] } };
    const own = await startKubernetes({ images });
    try {
      const pod = (name: string) => shellPod(name, '', { container: { image: 'app:1', command: [], args: [name] } });
      await createPod(own, pod('a'));
      await createPod(own, pod('b'));
      const [a, b] = await Promise.all([waitForPhase(own, 'a', 'Succeeded'), waitForPhase(own, 'b', 'Succeeded')]);
      expect((await ask(own, 'GET', `${podsPath}/a/log`)).text).toBe('started with a\n');
      expect(a.status.podIP).not.toBe(b.status.podIP);
    } finally {
      await own.stop();
    }
  });

  it('ends with all processes that its container has started', async () => {
    await createPod(server(), shellPod('parent', 'sleep 1000 & echo $!; exit 0'));
    await waitForPhase(server(), 'parent', 'Succeeded');
    const child = Number((await ask(server(), 'GET', `${podsPath}/parent/log`)).text);
    expect(child).toBeGreaterThan(1);
    await waitFor(() => !isProcessAlive(child));
  });

  it('ends with the server', async () => {
    await createPod(server(), shellPod('endless', untilKilled));
    await waitForPhase(server(), 'endless', 'Running');
    const pid = server().pidOf('default', 'endless') ?? 0;
    expect(isProcessAlive(pid)).toBe(true);
    await server().stop();
    expect(isProcessAlive(pid)).toBe(false);
  });
});

function recordedStatuses(pod: string): PodStatus[] {
  return recorded('statuses.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; status: PodStatus })
    .flatMap(({ name, status }) => (name === pod ? [status] : []));
}

describe('an image that cannot be pulled', () => {
  const server = useKubernetes({ secondMs: 5 });

  it('is tried for ever: noimage', async () => {
    const expected = recordedSequence('noimage');
    const sequence = recordSequence(server(), 'noimage');
    await createPod(server(), shellPod('noimage', '', { container: { image: 'missing/nope:1' } }));
    await waitFor(() => sequence.lines.length >= expected.length);
    expect(sequence.lines.slice(0, expected.length)).toEqual(expected);
  });
});

describe('a node', () => {
  const server = useKubernetes({
    nodes: [
      { name: 'small', capacity: { cpu: 2 } },
      { name: 'gpu', labels: { gpu: 'yes' } },
    ],
    secondMs: 5,
  });

  it('takes only what its labels and its room allow, and more when room is made', async () => {
    const pod = (name: string) =>
      shellPod(name, untilKilled, {
        spec: { nodeSelector: { 'kubernetes.io/hostname': 'small' } },
        container: { resources: { requests: { cpu: '1500m' } } },
      });
    await createPod(server(), pod('first'));
    await waitForPhase(server(), 'first', 'Running');
    await createPod(server(), pod('second'));
    const refused = await waitFor(() =>
      server()
        .pod('default', 'second')
        ?.status.conditions?.find(({ reason }) => reason === 'Unschedulable'),
    );
    expect(refused.message).toMatch(
      /^0\/2 nodes are available: 1 Insufficient cpu, 1 node\(s\) didn't match Pod's node affinity\/selector\./,
    );
    await ask(server(), 'DELETE', `${podsPath}/first?gracePeriodSeconds=0`);
    await waitForPhase(server(), 'second', 'Running');
    expect(server().pod('default', 'second')?.spec.nodeName).toBe('small');
  });
});
