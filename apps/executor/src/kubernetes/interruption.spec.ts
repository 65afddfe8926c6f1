import { gonePodOutcome, podOutcome } from './pod-outcome';
import { deleting, runningPod, second, terminated, withCondition, withMain, withStatus } from './testing/pod-states';
import { recordedPods } from './testing/recorded';
import { failureOf, lastOf, starts, story } from './testing/stories';

/** By the time it is stopped the pod has run for ten seconds. */
const stopped = (grace: number) => deleting(runningPod(), 10, grace);

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
