import type { V1ContainerState, V1ContainerStatus } from '@kubernetes/client-node';
import { podOutcome } from './pod-outcome';
import { runningPod, terminated, withMain, withStatus } from './testing/pod-states';
import { recordedPods } from './testing/recorded';
import { failureOf, lastOf, starts, story, summary } from './testing/stories';

describe('a pod that ends of itself', () => {
  it('succeeds as soon as its command has, before its phase says so', () => {
    const seen = recordedPods('ok').map(({ object }) => [object.status?.phase, summary(podOutcome(object))]);

    expect(seen.slice(-3)).toEqual([
      ['Running', 'running'],
      ['Running', 'succeeded'],
      ['Succeeded', 'succeeded'],
    ]);
    expect(story('ok')).toEqual([...starts, 'succeeded']);
  });

  it('hands over the termination message with its success', () => {
    const state = { terminated: { ...terminated(0, 3).terminated, message: '{"rows":3}' } };

    expect(podOutcome(withMain(runningPod(), state))).toEqual({
      status: 'succeeded',
      terminationMessage: '{"rows":3}',
    });
  });

  it('succeeds while a native sidecar is still there', () => {
    expect(story('sidecar')).toEqual(['waiting:node', 'waiting:containers', 'running', 'succeeded']);
  });

  it('succeeds though its native sidecar fails', () => {
    const pod = lastOf('sidecar');
    const [sidecar] = pod.status?.initContainerStatuses ?? [];
    const failing = Object.assign({}, sidecar, { state: terminated(2, 5) }) as unknown as V1ContainerStatus;

    expect(podOutcome(withStatus(pod, { initContainerStatuses: [failing] })).status).toBe('succeeded');
    const before = withMain(pod, { waiting: { reason: 'PodInitializing' } }, { phase: 'Pending' });
    expect(podOutcome(withStatus(before, { initContainerStatuses: [failing] })).status).toBe('waiting');
  });

  it.each([
    ['OOMKilled', 137, 'ran out of memory: OOMKilled'],
    ['Error', 1, 'ended with status 1: Error'],
  ])(
    'is lost when what was to bring its files ended with %s: that is not the doing of the action',
    (reason, code, how) => {
      const pod = withMain(runningPod(), { waiting: { reason: 'PodInitializing' } }, { phase: 'Pending' });
      const inputs = { name: 'ryax-inputs', image: '', imageID: '', ready: false, restartCount: 0 };
      const state = terminated(code, 3, reason) as unknown as V1ContainerState;
      const failed = withStatus(pod, { initContainerStatuses: [Object.assign({}, inputs, { state })] });
      expect(failureOf(failed)).toMatchObject({
        kind: 'lost',
        message: expect.stringContaining(
          `The container ryax-inputs, which brings the files of the command, ${how}`,
        ) as string,
        details: { container: 'ryax-inputs', exitCode: code },
      });
    },
  );

  it('crashes with the exit status and the last words of its command', () => {
    expect(story('exit7')).toEqual([...starts, 'failed:crash']);
    expect(failureOf(lastOf('exit7'))).toEqual({
      kind: 'crash',
      message: 'The command exited with status 7',
      code: 7,
      details: { pod: 'exit7', node: 'node-a', container: 'main', reason: 'Error', exitCode: 7 },
    });
    const state = { terminated: { ...terminated(137, 3).terminated, message: 'no such table\n' } };
    expect(failureOf(withMain(runningPod(), state))?.message).toBe(
      'The command exited with status 137 (SIGKILL): no such table',
    );
  });

  it('that was killed for its memory names the limit', () => {
    expect(story('oom')).toEqual([...starts, 'failed:out-of-memory']);
    expect(failureOf(lastOf('oom'))).toEqual({
      kind: 'out-of-memory',
      message: 'Took more than the 32Mi of memory that the container main may; give the action more memory',
      details: {
        pod: 'oom',
        node: 'node-a',
        container: 'main',
        reason: 'OOMKilled',
        exitCode: 137,
        memory_bytes: 2 ** 25,
      },
    });
  });

  it('that was killed for its memory without a limit blames the node', () => {
    const failure = failureOf(withMain(runningPod(), terminated(137, 3, 'OOMKilled')));

    expect(failure).toMatchObject({
      kind: 'out-of-memory',
      message: expect.stringContaining('node ran out of memory'),
    });
  });

  it('succeeds when only a child of its command was killed for its memory', () => {
    expect(podOutcome(withMain(runningPod(), terminated(0, 3, 'OOMKilled'))).status).toBe('succeeded');
  });

  it('whose command cannot be started crashes without having run', () => {
    expect(story('badcmd')).toEqual(['waiting:node', 'waiting:containers', 'failed:crash']);
    expect(failureOf(lastOf('badcmd'))?.message).toMatch(
      /^The command could not be started: .*exec: "\/no\/such\/binary": stat \/no\/such\/binary: no such file or directory$/,
    );
  });

  it('fails with its init container, before the phase says so', () => {
    expect(story('initfail')).toEqual(['waiting:node', 'waiting:containers', 'failed:crash']);
    expect(failureOf(lastOf('initfail'))).toMatchObject({
      message: 'The init container init, before which the action cannot start, exited with status 3',
      code: 3,
    });
  });
});

describe('a pod that does not start', () => {
  it.each([
    ['noimage', 'image', 'ErrImagePull'],
    ['badname', 'image', 'InvalidImageName'],
    ['never', 'image', 'ErrImageNeverPull'],
    ['nosecret', 'config', 'CreateContainerConfigError'],
    ['novolume', 'containers', 'ContainerCreating'],
    ['toobig', 'node', 'Unschedulable'],
  ])('%s waits for its %s (%s)', (name, what, reason) => {
    const outcome = podOutcome(lastOf(name));

    expect(outcome).toMatchObject({ status: 'waiting', wait: { for: what, reason } });
  });

  it('waits for its image while pulls fail and back off in turn', () => {
    expect(story('noimage')).toEqual(['waiting:node', 'waiting:containers', 'waiting:image']);
  });

  it('waits for its containers as soon as it has a node', () => {
    const [unscheduled, scheduled] = recordedPods('ok').map(({ object }) => podOutcome(object));

    expect(scheduled).toMatchObject({ wait: { for: 'containers' } });
    expect(unscheduled).toMatchObject({ wait: { for: 'node' } });
  });

  it('waits for the image of whichever container holds it up', () => {
    const [pod] = recordedPods('initfail').filter(({ object }) => object.status?.initContainerStatuses);
    const [init] = pod?.object.status?.initContainerStatuses ?? [];
    const held = Object.assign({}, init, { state: { waiting: { reason: 'ErrImagePull' } } }) as V1ContainerStatus;

    expect(podOutcome(withStatus(pod?.object ?? {}, { initContainerStatuses: [held] }))).toMatchObject({
      wait: { for: 'image', container: 'init' },
    });
  });

  it('that no node admits is lost, with the reason', () => {
    const pod = withStatus(recordedPods('ok')[1]?.object ?? {}, {
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: 'Pod was rejected: Node did not have enough resource: cpu',
    });

    expect(failureOf(pod)).toMatchObject({
      kind: 'lost',
      message: 'The node failed the pod (OutOfcpu): Pod was rejected: Node did not have enough resource: cpu',
    });
  });
});
