import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useKubernetes, waitFor } from '../index';
import {
  ask,
  createPod,
  openStream,
  podsPath,
  recordedAnswer,
  recordSequence,
  shellPod,
  waitForPhase,
} from './testing/client';

describe('a log of the test API server', () => {
  const server = useKubernetes();
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'logs-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const log = (name: string, query = '') => ask(server(), 'GET', `${podsPath}/${name}/log${query}`);
  const follow = (name: string, query = '') => openStream(server(), `${podsPath}/${name}/log?follow=true${query}`);
  /** A command that waits until the test lets it go on. */
  const gate = (name: string) => `until [ -e ${folder}/${name} ]; do sleep 0.02; done`;
  const open = (name: string) => writeFileSync(join(folder, name), '');

  it('has both streams, and the end of a line that has none', async () => {
    await createPod(server(), shellPod('ok', `echo out; echo err >&2; ${gate('end')}; printf 'no newline'`));
    await waitFor(async () => (await log('ok')).text.split('\n').length === 3);
    open('end');
    await waitForPhase(server(), 'ok', 'Succeeded');
    const lines = (await log('ok')).text.split('\n').sort();
    expect(lines).toEqual(['err', 'no newline', 'out']);
  });

  it('is followed to the end of the container, which the pod tells of later', async () => {
    const sequence = recordSequence(server(), 'ok');
    await createPod(server(), shellPod('ok', `echo one; ${gate('end')}; echo two`));
    await waitForPhase(server(), 'ok', 'Running');
    const stream = await follow('ok');
    await waitFor(() => stream.text === 'one\n');
    expect(stream.state).toBe('open');
    open('end');
    await waitFor(() => stream.state === 'ended');
    expect(stream.text).toBe('one\ntwo\n');
    await waitForPhase(server(), 'ok', 'Succeeded');
    expect(sequence.lines).toContain('M Running [main=terminated:Completed:0]');
  });

  it('is resumed by sinceTime in whole seconds: nothing is missing, lines of that second come again', async () => {
    await createPod(server(), shellPod('ok', 'for i in 1 2 3; do echo $i; done'));
    await waitForPhase(server(), 'ok', 'Succeeded');
    const lines = (await log('ok', '?timestamps=true')).text.trim().split('\n');
    const [time = '', text] = lines[1]?.split(' ') ?? [];
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(text).toBe('2');
    const resumed = (await log('ok', `?timestamps=true&sinceTime=${encodeURIComponent(time)}`)).text.trim().split('\n');
    expect(resumed).toEqual(lines.filter((line) => line >= time.slice(0, 19)));
    expect((await log('ok', '?sinceTime=2200-01-01T00:00:00Z')).text).toBe('');
    expect((await log('ok', '?sinceSeconds=3600')).text).toBe('1\n2\n3\n');
    expect((await log('ok', '?sinceTime=yesterday')).code).toBe(400);
    expect((await log('ok', '?tailLines=1')).text).toBe('3\n');
  });

  it('204 when unscheduled', async () => {
    const container = { resources: { requests: { cpu: '1000000' } } };
    await createPod(server(), shellPod('toobig', '', { container }));
    const answer = await log('toobig');
    expect([answer.code, answer.text]).toEqual([204, '']);
  });

  it('400-log-container-creating', async () => {
    server().misbehaviour.slowStarts(1_000_000);
    await createPod(server(), shellPod('term', 'true'));
    await waitFor(() => server().pod('default', 'term')?.status.containerStatuses);
    expect((await log('term')).json()).toEqual(recordedAnswer('400-log-container-creating'));
  });

  it('400-log-bad-image', async () => {
    await createPod(server(), shellPod('noimage', '', { container: { image: 'missing/x:1' } }));
    await waitFor(() => server().pod('default', 'noimage')?.status.containerStatuses?.[0]?.state.waiting?.message);
    expect((await log('noimage')).json()).toEqual(recordedAnswer('400-log-bad-image'));
  });

  it('400-log-wrong-container, 400-log-previous', async () => {
    await createPod(server(), shellPod('ok', 'true'));
    await waitForPhase(server(), 'ok', 'Succeeded');
    expect((await log('ok', '?container=zz')).json()).toEqual(recordedAnswer('400-log-wrong-container'));
    expect((await log('ok', '?previous=true')).json()).toEqual(recordedAnswer('400-log-previous'));
  });

  it('has to be asked for by container where there are several', async () => {
    const second = { name: 'second', image: 'busybox:1', command: ['echo', 'two'] };
    const first = { name: 'first', image: 'busybox:1', command: ['echo', 'one'] };
    await createPod(server(), shellPod('two', '', { spec: { containers: [first, second] } }));
    await waitForPhase(server(), 'two', 'Succeeded');
    expect((await log('two')).json().message).toContain('choose one of: [first second]');
    expect((await log('two', '?container=second')).text).toBe('two\n');
  });

  it('is cut in the middle of a line, and can be followed again', async () => {
    await createPod(server(), shellPod('ok', `echo one; ${gate('end')}`));
    await waitForPhase(server(), 'ok', 'Running');
    const stream = await follow('ok');
    await waitFor(() => stream.text === 'one\n');
    server().misbehaviour.cutLogs();
    await waitFor(() => stream.state === 'broken');
    const again = await follow('ok');
    await waitFor(() => again.text === 'one\n');
    expect(existsSync(join(folder, 'end'))).toBe(false);
  });

  it('ends for its followers, and has forgotten its lines, after a rotation', async () => {
    await createPod(server(), shellPod('ok', `echo one; ${gate('end')}; echo two`));
    await waitForPhase(server(), 'ok', 'Running');
    const stream = await follow('ok');
    await waitFor(() => stream.text === 'one\n');
    server().misbehaviour.rotateLog('default', 'ok');
    await waitFor(() => stream.state === 'ended');
    open('end');
    await waitForPhase(server(), 'ok', 'Succeeded');
    expect((await log('ok')).text).toBe('two\n');
  });

  it('200 whose body is a complaint when the runtime has lost it', async () => {
    await createPod(server(), shellPod('ok', 'echo one'));
    await waitForPhase(server(), 'ok', 'Succeeded');
    server().misbehaviour.loseLog('default', 'ok');
    const answer = await log('ok');
    expect(answer.code).toBe(200);
    expect(answer.text).toMatch(/^unable to retrieve container logs for containerd:\/\/\w+$/);
  });
});
