import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFileReference, type JsonObject } from '@ryax/contracts';
import { LocalFileStore, packDirectory } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { AheadClock, clockAhead, ioError, TestSite } from './site';
import { patienceMs } from './target';
import { describeHandlers, TestAction } from './test-action';

const limitMs = 3 * patienceMs;

describeHandlers('a handler in a pod of its own (a test server runs it from its folder)', () => {
  let action: TestAction;
  let site: TestSite;

  beforeAll(async () => {
    action = await TestAction.publish();
    site = await action.site({ site: { handlers: 'job' } });
  }, limitMs);
  afterEach(async () => {
    jest.restoreAllMocks();
    await TestSite.expectNoPods();
  }, limitMs);
  afterAll(() => action.close(), limitMs);

  const launch = (inputs: JsonObject, timeoutMs: number | null = null) => action.launch(site, inputs, { timeoutMs });

  it(
    'gets its inputs, files among them, and returns values and files; what it prints is the log',
    async () => {
      const executor = await site.executor();
      const stored = await site.files.put('some rows\n');
      const rows = { $file: stored.hash, name: 'rows.csv', size: stored.size, kind: 'file' };
      const { end, log } = await executor.run(launch({ what: 'copy', name: 'copied', rows }));

      if (end.outcome.status !== 'succeeded') throw new Error(JSON.stringify(end.outcome));
      const { answer, copy } = end.outcome.outputs;
      expect(answer).toBe('COPY');
      if (!isFileReference(copy)) throw new Error(`Expected a file, found ${JSON.stringify(copy)}`);
      expect(copy.name).toBe('copied.txt');
      expect(String(await site.files.read(copy.$file))).toBe('SOME ROWS\n');
      expect(log.lines).toEqual(['begun copy']);
    },
    limitMs,
  );

  it(
    'gets a directory and returns it with what may be executed in it, and nothing else',
    async () => {
      const tools = action.path('tools');
      await mkdir(join(tools, 'bin'), { recursive: true });
      await writeFile(join(tools, 'bin', 'say'), '#!/bin/sh\necho said\n', { mode: 0o755 });
      await writeFile(join(tools, 'readme'), 'no command\n', { mode: 0o644 });
      const { hash: content } = await packDirectory(site.files, tools);
      const executor = await site.executor();
      const given = { $file: content, size: 1, kind: 'directory', name: 'tools' };
      const returned = action.path('returned');
      const { end } = await executor.run(launch({ what: 'tools', name: 'h', tools: given, flag: returned }));
      expect(end.outcome).toMatchObject({
        status: 'succeeded',
        // The same content, modes included.
        outputs: { answer: 'said', tools: { $file: content, kind: 'directory' } },
      });
    },
    limitMs,
  );

  it(
    'gets what links in a directory lead to',
    async () => {
      const tools = action.path('linked');
      await mkdir(join(tools, 'lib'), { recursive: true });
      await writeFile(join(tools, 'lib', 'say'), '#!/bin/sh\necho linked\n', { mode: 0o755 });
      await symlink('lib', join(tools, 'bin'));
      const { hash: content } = await packDirectory(site.files, tools);
      const executor = await site.executor();
      const given = { $file: content, size: 1, kind: 'directory', name: 'tools' };
      const wanted = launch({ what: 'tools', name: 'i', tools: given, flag: action.path('links') });
      expect(await executor.outcomeOf(wanted)).toMatchObject({ status: 'succeeded', outputs: { answer: 'linked' } });
    },
    limitMs,
  );

  it(
    'that refuses fails as the user has said, one that dies as a crash',
    async () => {
      const executor = await site.executor();
      const refused = await executor.run(launch({ what: 'refuse', name: 'a' }));
      expect(refused.end.outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'user', message: 'no such station', code: 404 },
      });
      const crashed = await executor.run(launch({ what: 'crash', name: 'b' }));
      expect(crashed.end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'crash', code: 7 } });
    },
    limitMs,
  );

  it(
    'gets secrets in the clear, which nobody reads in its log',
    async () => {
      const executor = await site.executor();
      const password = await site.secret('opensesame');
      const { end, log } = await executor.run(launch({ what: 'secret', name: 'c', password }));
      expect(end.outcome.status).toBe('succeeded');
      expect(log.lines).toEqual(['begun secret', 'the password is ****']);
    },
    limitMs,
  );

  it(
    'with inputs of another type is not begun',
    async () => {
      const executor = await site.executor();
      const { end } = await executor.run(launch({ what: 'x' }));
      expect(end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalid', details: { input: 'name' } } });
    },
    limitMs,
  );

  it(
    'goes on when its executor leaves, and the next one has its log from the beginning and its outputs',
    async () => {
      const flag = action.path('flag');
      site.server.resetRequestCounts();
      const first = await site.executor();
      const wanted = launch({ what: 'wait', name: 'd', flag });
      const begun = first.launch(wanted);
      await begun.log.has('begun wait');
      await first.close();
      expect(await begun.running.ended).toBe('left');

      const second = await site.executor();
      second.launcher.alive([second.incarnation]);
      await waitFor(() => second.adopted.length === 1, { timeoutMs: patienceMs });
      await rm(flag);
      const [adopted] = second.adopted;
      expect(await adopted?.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      expect(adopted?.log.lines).toEqual(['begun wait']);
      expect(site.server.requestCounts['create pods']).toBe(1);
      second.forget(wanted);
    },
    limitMs,
  );

  it.each([
    ['content', 'open' as const],
    ['secret', 'readSecret' as const],
  ])(
    'goes on although its next executor cannot read its %s at once',
    async (what, method) => {
      const flag = action.path(`no-${what}`);
      const wanted = launch({ what: 'wait', name: what, flag, password: await site.secret('opensesame') });
      const first = await site.executor();
      await first.launch(wanted).log.has('begun wait');
      await first.close();

      const reading = jest.spyOn(LocalFileStore.prototype, method).mockRejectedValueOnce(ioError());
      const second = await site.executor();
      second.launcher.alive([second.incarnation]);
      await waitFor(() => second.adopted.length === 1, { timeoutMs: patienceMs });
      await rm(flag);
      expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      expect(reading.mock.calls.length).toBeGreaterThan(1);
      second.forget(wanted);
    },
    limitMs,
  );

  it(
    'that has ended well is not lost where what it has returned cannot be stored at once',
    async () => {
      const flag = action.path('no-room');
      const executor = await site.executor();
      const wanted = launch({ what: 'wait', name: 'r', flag });
      const begun = executor.launch(wanted);
      await begun.log.has('begun wait');
      const storing = jest.spyOn(LocalFileStore.prototype, 'put').mockRejectedValueOnce(ioError());
      await rm(flag);
      expect(await begun.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      expect(storing.mock.calls.length).toBeGreaterThan(1);
      executor.forget(wanted);
    },
    limitMs,
  );

  it(
    'that has ended well is stored although its pod goes meanwhile: what it has returned is here',
    async () => {
      const flag = action.path('evicted');
      const executor = await site.executor();
      const wanted = launch({ what: 'wait', name: 't', flag });
      const begun = executor.launch(wanted);
      await begun.log.has('begun wait');
      const storing = jest.spyOn(LocalFileStore.prototype, 'put').mockImplementationOnce(async () => {
        await site.deletePod(site.podName(wanted));
        await site.noPodIsLeft();
        throw ioError();
      });
      await rm(flag);
      expect(await begun.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      expect(storing.mock.calls.length).toBeGreaterThan(1);
      executor.forget(wanted);
    },
    limitMs,
  );

  it(
    'that is cancelled while what it has returned cannot be stored is not waited for',
    async () => {
      const flag = action.path('unwanted');
      const executor = await site.executor();
      const wanted = launch({ what: 'wait', name: 'u', flag });
      const begun = executor.launch(wanted);
      await begun.log.has('begun wait');
      const storing = jest.spyOn(LocalFileStore.prototype, 'put').mockRejectedValue(ioError());
      await rm(flag);
      await waitFor(() => storing.mock.calls.length > 0, { timeoutMs: patienceMs, describe: 'it to be stored' });
      begun.running.cancel(false);
      expect(await begun.outcome()).toEqual({ status: 'cancelled' });
      executor.forget(wanted);
    },
    limitMs,
  );

  it(
    'that has ended in time has succeeded, although storing its outputs takes longer than what was left',
    async () => {
      const flag = action.path('late-room');
      const clock = new AheadClock();
      const executor = await site.executor(undefined, undefined, { clock });
      const wanted = launch({ what: 'wait', name: 's', flag }, 60_000);
      const begun = executor.launch(wanted);
      await begun.log.has('begun wait');
      const storing = jest.spyOn(LocalFileStore.prototype, 'put');
      for (let tries = 0; tries < 5; tries++) {
        storing.mockImplementationOnce(async () => {
          clock.aheadMs = 120_000;
          // It is looked at when something is heard of it.
          await site.setStatus(wanted, { status: { message: `try ${tries}` } });
          throw ioError();
        });
      }
      await rm(flag);
      expect(await begun.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      expect(storing.mock.calls.length).toBeGreaterThan(5);
      executor.forget(wanted);
    },
    limitMs,
  );

  it(
    'that has ended in time while nobody was there has not reached its limit',
    async () => {
      const flag = action.path('in-time');
      const first = await site.executor();
      const wanted = launch({ what: 'wait', name: 'h', flag }, 60_000);
      await first.launch(wanted).log.has('begun wait');
      await first.close();
      await rm(flag);

      const second = await site.executor(undefined, undefined, { clock: clockAhead(3_600_000) });
      second.launcher.alive([second.incarnation]);
      await waitFor(() => second.adopted.length === 1, { timeoutMs: patienceMs });
      expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      second.forget(wanted);
    },
    limitMs,
  );

  it(
    'whose pod another executor has created is called by the token that its pod has',
    async () => {
      const flag = action.path('taken-over');
      const first = await site.executor();
      const wanted = launch({ what: 'wait', name: 'g', flag });
      await first.launch(wanted).log.has('begun wait');
      await first.close();

      const second = await site.executor();
      const again = second.launch(wanted);
      await again.log.has('begun wait');
      await rm(flag);
      expect(await again.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
      second.forget(wanted);
    },
    limitMs,
  );

  it(
    'is stopped at its time limit and by a cancel',
    async () => {
      const executor = await site.executor();
      const flag = action.path('never');
      const late = await executor.run(launch({ what: 'wait', name: 'e', flag }, 500));
      expect(late.end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'timeout' } });

      const wanted = launch({ what: 'wait', name: 'f', flag });
      const begun = executor.launch(wanted);
      await begun.log.has('begun wait');
      begun.running.cancel(false);
      expect(await begun.outcome()).toEqual({ status: 'cancelled' });
    },
    limitMs,
  );
});
