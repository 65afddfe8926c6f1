import { once } from 'node:events';
import { connect } from 'node:net';
import { useKubernetes, waitFor } from '../index';
import { pods } from './objects';
import { RequestFaults, seededRandom } from './request-faults';
import { ask, createPod, podsPath, recordSequence, shellPod, waitForPhase } from './testing/client';

const untilKilled = "trap '' TERM; while :; do sleep 0.05; done";
const obedient = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

describe('the test API server, told to misbehave,', () => {
  const server = useKubernetes({ nodes: [{ name: 'node1' }, { name: 'node2' }], secondMs: 50 });

  it('throttles with 429 in text/plain and Retry-After, as often as it is told to', async () => {
    server().misbehaviour.throttle({ times: 2 });
    for (const expected of [429, 429, 200]) {
      const answer = await ask(server(), 'GET', podsPath);
      expect(answer.code).toBe(expected);
      if (expected === 200) continue;
      expect(answer.text.trim()).toBe('Too many requests, please try again later.');
      expect(answer.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' });
    }
  });

  it('fails only the requests that match', async () => {
    server().misbehaviour.fail({ method: 'POST', path: /pods$/ });
    expect((await ask(server(), 'GET', podsPath)).code).toBe(200);
    expect((await ask(server(), 'POST', podsPath, { body: shellPod('p', 'true') })).json()).toMatchObject({
      code: 500,
      reason: 'InternalError',
    });
    await createPod(server(), shellPod('p', 'true'));
  });

  it('loses the reply after acting: the next create is a 409', async () => {
    server().misbehaviour.loseReply({ method: 'POST' });
    await expect(createPod(server(), shellPod('p', 'true'))).rejects.toThrow(/hang up|ECONNRESET/);
    const again = await ask(server(), 'POST', podsPath, { body: shellPod('p', 'true') });
    expect(again.json()).toMatchObject({ code: 409, reason: 'AlreadyExists' });
  });

  it('does one thing to a request after the other, in the order in which it was told', async () => {
    const { misbehaviour } = server();
    misbehaviour.loseReply({ method: 'POST' });
    misbehaviour.delay(1, { method: 'POST' });
    misbehaviour.throttle({ method: 'POST' });
    await expect(createPod(server(), shellPod('p', 'true'))).rejects.toThrow(/hang up|ECONNRESET/);
    expect((await ask(server(), 'GET', `${podsPath}/p`)).code).toBe(200);
    expect(misbehaviour.requests.count).toBe(1);
    const again = () => ask(server(), 'POST', podsPath, { body: shellPod('p', 'true') });
    expect((await again()).code).toBe(429);
    expect(misbehaviour.requests.count).toBe(3);
    expect((await again()).code).toBe(409);
  });

  it('acts when nobody waits for it any more', async () => {
    const land = server().misbehaviour.landLate({ method: 'POST' });
    await expect(createPod(server(), shellPod('p', 'true'))).rejects.toThrow(/hang up|ECONNRESET/);
    expect((await ask(server(), 'GET', `${podsPath}/p`)).code).toBe(404);
    land();
    await waitFor(async () => (await ask(server(), 'GET', `${podsPath}/p`)).code === 200);
  });

  it('holds what is asked until it is let go', async () => {
    const release = server().misbehaviour.hold({ method: 'POST' });
    const created = createPod(server(), shellPod('p', 'true'));
    await waitFor(() => (server().requestCounts['create pods'] ?? 0) > 0);
    expect((await ask(server(), 'GET', `${podsPath}/p`)).code).toBe(404);
    release();
    await created;
    expect((await ask(server(), 'GET', `${podsPath}/p`)).code).toBe(200);
  });

  it('hangs up before acting', async () => {
    server().misbehaviour.hangUp({ method: 'POST' });
    await expect(createPod(server(), shellPod('p', 'true'))).rejects.toThrow(/hang up|ECONNRESET/);
    await createPod(server(), shellPod('p', 'true'));
  });

  it('refuses for want of rights, or for a race about the quota', async () => {
    server().misbehaviour.forbid('list', pods, 'default', { method: 'GET' });
    expect((await ask(server(), 'GET', podsPath)).json().message).toContain('cannot list resource "pods"');
    server().misbehaviour.answer(server().answers.quotaConflict('pods'));
    const answer = await ask(server(), 'POST', podsPath, { body: shellPod('p', 'true') });
    expect(answer.json()).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  it('shows lists that are behind', async () => {
    server().misbehaviour.freezeLists();
    await createPod(server(), shellPod('p', 'true'));
    expect((await ask(server(), 'GET', podsPath)).json().items).toEqual([]);
    expect((await ask(server(), 'GET', `${podsPath}/p`)).code).toBe(200);
    server().misbehaviour.calm();
    expect((await ask(server(), 'GET', podsPath)).json().items).toHaveLength(1);
  });

  it('loses a node: Ready=False, phase still Running, log 500; and tells the rest when it is back', async () => {
    await createPod(server(), shellPod('p', obedient));
    const pod = await waitForPhase(server(), 'p', 'Running');
    const node = pod.spec.nodeName ?? '';
    const pid = server().pidOf('default', 'p') ?? 0;
    server().misbehaviour.loseNode(node);
    const lost = server().pod('default', 'p');
    expect(lost?.status.phase).toBe('Running');
    expect(lost?.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    const log = await ask(server(), 'GET', `${podsPath}/p/log`);
    expect([log.code, log.json().message]).toEqual([500, expect.stringContaining('connect: connection refused')]);
    process.kill(pid, 'SIGKILL');
    await waitFor(() => server().pidOf('default', 'p') === undefined);
    expect(server().pod('default', 'p')?.status.phase).toBe('Running');
    server().misbehaviour.returnNode(node);
    await waitForPhase(server(), 'p', 'Failed');
  });

  it('has a lost node tainted: its pods are marked, and stay', async () => {
    await createPod(server(), shellPod('p', obedient));
    const { spec } = await waitForPhase(server(), 'p', 'Running');
    server().misbehaviour.loseNode(spec.nodeName ?? '');
    server().misbehaviour.taintNode(spec.nodeName ?? '');
    const marked = server().pod('default', 'p');
    expect(marked).toMatchObject({ status: { phase: 'Running' }, metadata: { deletionGracePeriodSeconds: 30 } });
    expect(marked?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }),
    );
    server().misbehaviour.returnNode(spec.nodeName ?? '');
    await waitFor(() => !server().pod('default', 'p'));
  });

  it('has the object of a lost node deleted: Failed by PodGC, grace 0, gone, its container running to the last', async () => {
    await createPod(server(), shellPod('p', untilKilled));
    const { spec } = await waitForPhase(server(), 'p', 'Running');
    server().misbehaviour.loseNode(spec.nodeName ?? '');
    const sequence = recordSequence(server(), 'p');
    server().misbehaviour.deleteNode(spec.nodeName ?? '');
    expect(sequence.lines).toEqual([
      'M Failed [main=running]',
      'M Failed [main=running] deleting(grace 0)',
      'D Failed [main=running] deleting(grace 0)',
    ]);
  });

  it('collects finished pods under its clients', async () => {
    for (const name of ['old', 'new']) {
      await createPod(server(), shellPod(name, 'true'));
      await waitForPhase(server(), name, 'Succeeded');
    }
    await createPod(server(), shellPod('running', untilKilled));
    await waitForPhase(server(), 'running', 'Running');
    server().misbehaviour.removeFinished(1);
    expect(
      server()
        .pods()
        .map(({ metadata }) => metadata.name),
    ).toEqual(['new', 'running']);
  });

  it('is not harmed by a client that dies in the middle of a request', async () => {
    const { port } = new URL(server().url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST ${podsPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`, () =>
      socket.resetAndDestroy(),
    );
    await once(socket, 'close');
    expect((await ask(server(), 'GET', podsPath)).code).toBe(200);
    await expect(server().stop()).resolves.toBeUndefined();
  });

  it('counts what it is asked for', async () => {
    await createPod(server(), shellPod('p', 'true'));
    await ask(server(), 'GET', podsPath);
    await ask(server(), 'GET', `${podsPath}/p`);
    await ask(server(), 'GET', `${podsPath}/p/log`);
    expect(server().requestCounts).toEqual({ 'create pods': 1, 'list pods': 1, 'get pods': 1, 'log pods': 1 });
  });
});

describe('a schedule of faults', () => {
  const draw = (seed: number) => {
    const faults = new RequestFaults();
    faults.schedule(seed, { throttle: 0.2, fail: 0.1, loseReply: 0.1, delay: 0.1 });
    return Array.from({ length: 500 }, () => faults.take('GET', '/').map(({ kind }) => kind));
  };

  it('is the same for the same seed, and another for another', () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('keeps its rates', () => {
    const kinds = draw(1).flat();
    expect(kinds.length).toBeGreaterThan(200);
    expect(kinds.length).toBeLessThan(300);
    expect(new Set(kinds)).toEqual(new Set(['answer', 'lose-reply', 'delay']));
  });

  it('draws numbers from 0 to 1', () => {
    const random = seededRandom(7);
    const numbers = Array.from({ length: 1_000 }, random);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
  });
});
