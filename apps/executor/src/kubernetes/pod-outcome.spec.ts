import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { gonePodOutcome, podOutcome, type PodOutcome } from './pod-outcome';
import { deleting, runningPod, second, terminated, withCondition, withMain, withStatus } from './testing/pod-states';
import { recordedPods } from './testing/recorded';

/** `waiting:image` or `failed:lost`, without repeats. */
function story(name: string): string[] {
  const words = recordedPods(name).map(({ object }) => summary(podOutcome(object)));
  return words.filter((word, at) => word !== words[at - 1]);
}

function summary(outcome: PodOutcome): string {
  if (outcome.status === 'waiting') return `waiting:${outcome.wait.for}`;
  return outcome.status === 'failed' ? `failed:${outcome.failure.kind}` : outcome.status;
}

function lastOf(name: string): V1Pod {
  const seen = recordedPods(name).at(-1);
  if (seen === undefined) throw new Error(`Nothing was recorded of ${name}`);
  return seen.object;
}

function failureOf(pod: V1Pod) {
  const outcome = podOutcome(pod);
  return outcome.status === 'failed' ? outcome.failure : undefined;
}

const starts = ['waiting:node', 'waiting:containers', 'running'];
/** By the time it is stopped the pod has run for ten seconds. */
const stopped = (grace: number) => deleting(runningPod(), 10, grace);

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
      details: { pod: 'oom', node: 'node-a', container: 'main', reason: 'OOMKilled', exitCode: 137 },
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

describe('a pod whose time is over', () => {
  it('runs until its grace has ended, then fails by timeout with its limit', () => {
    expect(story('deadline')).toEqual([...starts, 'failed:timeout']);
    expect(failureOf(lastOf('deadline'))).toMatchObject({
      kind: 'timeout',
      message: 'The time limit of 5000 ms passed',
    });
  });

  it('fails by timeout also when its command takes SIGTERM well', () => {
    expect(failureOf(withMain(lastOf('deadline'), terminated(0, 3)))?.kind).toBe('timeout');
  });

  it('has succeeded if its command had, and only a sidecar was left', () => {
    expect(podOutcome(withMain(lastOf('deadline'), terminated(0, 1))).status).toBe('succeeded');
  });

  it('fails by timeout also when it never started', () => {
    const pod = withStatus(lastOf('novolume'), { phase: 'Failed', reason: 'DeadlineExceeded' });

    expect(failureOf(pod)?.kind).toBe('timeout');
  });
});

describe('an evicted pod', () => {
  it('is lost though its containers still wait', () => {
    const [waiting] = recordedPods('disk').filter(({ object }) => object.status?.reason === 'Evicted');

    expect(waiting?.object.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ContainerCreating');
    expect(failureOf(waiting?.object ?? {})?.kind).toBe('lost');
  });

  it('is lost when the node knows no more of its container, and names the limit of its disk', () => {
    expect(story('disk')).toEqual([...starts, 'failed:lost']);
    expect(failureOf(lastOf('disk'))).toEqual({
      kind: 'lost',
      message:
        'The node evicted the pod: Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. ' +
        "The action may keep 20Mi on the node's disk: let it write less, or give it more",
      details: { pod: 'disk', node: 'node-a', reason: 'Evicted' },
    });
  });

  it('is lost without any state of a container', () => {
    expect(failureOf(withStatus(lastOf('disk'), { containerStatuses: [] }))?.kind).toBe('lost');
    expect(failureOf({ status: { phase: 'Failed', reason: 'Evicted' } })?.kind).toBe('lost');
    expect(failureOf({ status: { phase: 'Succeeded', reason: 'Evicted' } })?.kind).toBe('lost');
  });

  it('is lost when its command was killed', () => {
    expect(failureOf(withMain(lastOf('disk'), terminated(137, 18)))?.kind).toBe('lost');
  });

  it('is lost though it looks completed', () => {
    expect(failureOf(withMain(lastOf('disk'), terminated(0, 18)))?.kind).toBe('lost');
    const succeeded = withMain(runningPod(), terminated(0, 12), { phase: 'Succeeded' });
    expect(failureOf(withCondition(succeeded, 'DisruptionTarget', 'True', 'TerminationByKubelet', 11))?.kind).toBe(
      'lost',
    );
  });

  it('is lost with its node that is shut down, though its command took SIGTERM well', () => {
    const pod = withMain(runningPod(), terminated(0, 12), { phase: 'Succeeded', reason: 'Terminated' });

    expect(failureOf(pod)).toMatchObject({ kind: 'lost', message: 'The node was shut down' });
  });

  it('has succeeded if its command had before', () => {
    const pod = withMain(lastOf('disk'), terminated(0, 9));

    expect(podOutcome(withCondition(pod, 'DisruptionTarget', 'True', 'TerminationByKubelet', 11)).status).toBe(
      'succeeded',
    );
  });

  it('has crashed if its command had before', () => {
    const pod = withMain(lastOf('disk'), terminated(7, 9));

    expect(failureOf(withCondition(pod, 'DisruptionTarget', 'True', 'TerminationByKubelet', 11))?.kind).toBe('crash');
  });
});

describe('a pod that is deleted', () => {
  it('stops until its grace has ended, then is lost whatever its status', () => {
    expect(podOutcome(stopped(4))).toMatchObject({ status: 'stopping', failure: { kind: 'lost' } });
    expect(failureOf(withMain(stopped(4), terminated(137, 14), { phase: 'Failed' }))).toMatchObject({
      kind: 'lost',
      message: 'The pod was deleted from outside, and the attempt with it',
    });
    expect(failureOf(withMain(stopped(0), terminated(137, 14), { phase: 'Failed' }))?.kind).toBe('lost');
  });

  it('says until when more may be heard of it', () => {
    expect(story('term')).toEqual([...starts, 'stopping']);
    expect(podOutcome(lastOf('term'))).toMatchObject({ graceEndsMs: Date.parse('2026-11-23T09:30:01Z') });
  });

  it('is lost though its command took SIGTERM well and its phase is Succeeded', () => {
    expect(failureOf(withMain(stopped(15), terminated(0, 11), { phase: 'Succeeded' }))?.kind).toBe('lost');
    expect(failureOf(withMain(stopped(15), terminated(0, 10), { phase: 'Succeeded' }))?.kind).toBe('lost');
  });

  it('has succeeded if its command had before', () => {
    expect(podOutcome(withMain(stopped(15), terminated(0, 9), { phase: 'Succeeded' })).status).toBe('succeeded');
  });

  it('has succeeded if its command had between the mark of a disruption and the deletion', () => {
    const pod = withMain(stopped(15), terminated(0, 9), { phase: 'Succeeded' });

    expect(podOutcome(withCondition(pod, 'DisruptionTarget', 'True', 'EvictionByEvictionAPI', 8)).status).toBe(
      'succeeded',
    );
  });

  it('and evicted is lost from whichever came first', () => {
    const evicted = (atSecond: number, endSecond: number) => {
      const pod = withMain(stopped(15), terminated(0, endSecond), { phase: 'Succeeded' });
      return failureOf(withCondition(pod, 'DisruptionTarget', 'True', 'TerminationByKubelet', atSecond))?.kind;
    };

    expect(evicted(8, 9)).toBe('lost');
    expect(evicted(12, 11)).toBe('lost');
  });

  it('was out of memory if it was, also while it stopped', () => {
    expect(failureOf(withMain(stopped(15), terminated(137, 12, 'OOMKilled')))?.kind).toBe('out-of-memory');
    expect(failureOf(withMain(stopped(15), terminated(0, 12, 'OOMKilled')))?.kind).toBe('lost');
  });

  it('with no grace at all is lost when it is gone in phase Running', () => {
    expect(gonePodOutcome(runningPod())).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
  });

  it('before it was scheduled is lost when it is gone', () => {
    expect(gonePodOutcome(lastOf('toobig'))).toMatchObject({
      status: 'failed',
      failure: { kind: 'lost', message: 'The pod was deleted from outside before it had started' },
    });
  });

  it('is lost when nothing was ever seen of it', () => {
    expect(gonePodOutcome(undefined)).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
  });

  it.each(['ok', 'exit7', 'oom'])('after it had ended (%s) keeps its outcome', (name) => {
    expect(gonePodOutcome(lastOf(name))).toEqual(podOutcome(lastOf(name)));
  });

  it('has succeeded when it is gone between the end of its command and its own', () => {
    expect(gonePodOutcome(withMain(runningPod(), terminated(0, 3))).status).toBe('succeeded');
  });

  it('while it stops is lost when it is gone', () => {
    expect(gonePodOutcome(stopped(4))).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
  });
});

describe('a pod whose node is lost', () => {
  it('runs as long as the cluster only calls it unready', () => {
    expect(podOutcome(withCondition(runningPod(), 'Ready', 'False'))).toEqual({ status: 'running' });
  });

  it('stops when the taint manager deletes it, though its containers run on as far as is known', () => {
    const pod = withCondition(stopped(30), 'DisruptionTarget', 'True', 'DeletionByTaintManager');

    expect(podOutcome(pod)).toMatchObject({
      status: 'stopping',
      graceEndsMs: Date.parse(second(40)),
      failure: { kind: 'lost', message: 'The node was lost or is being emptied' },
    });
  });

  it('is lost when the pod collector has failed it, though its containers run on as far as is known', () => {
    const pod = withCondition(
      withStatus(runningPod(), { phase: 'Failed' }),
      'DisruptionTarget',
      'True',
      'DeletionByPodGC',
    );

    expect(failureOf(pod)).toMatchObject({
      kind: 'lost',
      message: 'The node is gone',
      details: { reason: 'DeletionByPodGC' },
    });
    expect(gonePodOutcome(pod)).toEqual(podOutcome(pod));
  });

  it('is lost when its node came back without the container', () => {
    expect(failureOf(withMain(runningPod(), terminated(255, 30, 'Unknown')))?.kind).toBe('lost');
    expect(failureOf(withMain(runningPod(), terminated(137, 30, 'ContainerStatusUnknown')))?.kind).toBe('lost');
  });

  it('runs while it is only marked for a disruption that may not come', () => {
    const marked = withCondition(runningPod(), 'DisruptionTarget', 'True', 'EvictionByEvictionAPI');

    expect(podOutcome(marked)).toEqual({ status: 'running' });
    expect(podOutcome(withMain(marked, terminated(0, 12))).status).toBe('succeeded');
    const unmarked = withCondition(stopped(4), 'DisruptionTarget', 'False', 'EvictionByEvictionAPI');
    expect(podOutcome(unmarked)).toMatchObject({
      failure: { message: expect.stringContaining('deleted from outside') },
    });
  });

  it('runs when the API server has lost sight of it', () => {
    expect(podOutcome({ status: { phase: 'Unknown' } })).toEqual({ status: 'running' });
  });
});
