import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import { LocalFileStore } from '@ryax/filestore';
import { answerWithin } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import type { Launch } from '../../apps/executor/src/launcher';
import { describeFiles, filesImage, filesServer } from './files-image';
import { ioError, TestSite } from './site';
import { patienceMs, specMs } from './target';

/** What a cancel or a shutdown may take here, of which a second is for what the filestore holds up. */
const soonMs = 15_000;

describeFiles('a command in a pod whose filestore says nothing', () => {
  let site: TestSite;
  /** What the filestore was asked, and with what. */
  let asked: unknown[][];
  let answers: Promise<unknown>[] = [];
  let answer = (): void => undefined;
  beforeEach(async () => {
    site = await TestSite.open({ site: { filesImage }, server: { images: filesServer } });
    asked = [];
    answers = [];
  }, specMs);
  afterEach(async () => {
    answer();
    await Promise.allSettled(answers);
    jest.restoreAllMocks();
    await TestSite.closeAll();
  }, specMs);

  /** It does what it is asked only when it is told to answer. */
  function silence(method: 'copyTo' | 'read' | 'put'): void {
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const really = site.files[method].bind(site.files) as (...given: unknown[]) => Promise<unknown>;
    const late = (...given: unknown[]) => {
      asked.push(given);
      const answer = answered.then(() => really(...given));
      answers.push(answer);
      return answer;
    };
    jest.spyOn(LocalFileStore.prototype, method).mockImplementation(late as never);
  }
  const isAsked = () =>
    waitFor(() => asked.length > 0, { timeoutMs: patienceMs, describe: 'the filestore to be asked' });
  const soon = <T>(work: Promise<T>) => answerWithin(soonMs, () => work);

  async function withFile(script: string): Promise<Launch> {
    const { hash, size } = await site.files.put('rows\n');
    const rows: JsonObject = { $file: hash, name: 'rows.csv', size, kind: 'file' };
    return site.launch(script, { inputs: { rows } });
  }

  async function isCancelled(executor: Awaited<ReturnType<TestSite['executor']>>, wanted: Launch): Promise<void> {
    const begun = executor.launch(wanted);
    await isAsked();
    begun.running.cancel(false);
    expect(await soon(begun.outcome())).toEqual({ status: 'cancelled' });
    executor.forget(wanted);
    await site.noPodIsLeft();
  }

  it(
    'of its inputs is cancelled, and nothing of them stays with its executor when the filestore comes back',
    async () => {
      const wanted = await withFile('true');
      silence('copyTo');
      await isCancelled(await site.executor(), wanted);
      const folder = dirname(String(asked[0]?.[1]));
      expect(existsSync(folder)).toBe(true);
      answer();
      await waitFor(() => !existsSync(folder), { describe: `${folder} to be removed` });
    },
    specMs,
  );

  it(
    'of its inputs is left by an executor that is shut down, and has them by its successor',
    async () => {
      const wanted = await withFile('cat "$rows"');
      silence('copyTo');
      const first = await site.executor();
      first.launch(wanted);
      await isAsked();
      await soon(first.close());
      answer();
      const second = await site.executor();
      const isAdopted = () => {
        second.launcher.alive([second.incarnation]);
        return second.adopted.length === 1;
      };
      await waitFor(isAdopted, { timeoutMs: patienceMs, intervalMs: 100, describe: 'an adoption' });
      expect(await second.adopted[0]?.outcome()).toEqual({ status: 'succeeded', outputs: {} });
      expect(second.adopted[0]?.log.lines).toEqual(['rows']);
      second.forget(wanted);
      await site.noPodIsLeft();
    },
    specMs,
  );

  it(
    'of what it needs to know before there is a pod is cancelled, and has none',
    async () => {
      const { hash, size } = await site.files.put('"text"');
      silence('read');
      await isCancelled(await site.executor(), site.launch('true', { inputs: { text: { $value: hash, size } } }));
      expect(site.isOnTestServer ? site.server.requestCounts['create pods'] : undefined).toBeUndefined();
    },
    specMs,
  );

  it(
    'of its outputs is cancelled',
    async () => {
      silence('put');
      const script = `echo out > out; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
      const outputs = [{ name: 'out', type: 'file' }];
      await isCancelled(await site.executor(), site.launch(script, { action: { outputs } }));
    },
    specMs,
  );
});

describeFiles('a command in a pod whose filestore fails', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open({ site: { filesImage }, server: { images: filesServer } });
  }, specMs);
  afterEach(async () => {
    jest.restoreAllMocks();
    await TestSite.closeAll();
  }, specMs);

  it(
    'when it takes the outputs, which it takes when it is asked again: has ended well',
    async () => {
      const storing = jest.spyOn(LocalFileStore.prototype, 'put').mockRejectedValueOnce(ioError());
      const outputs = [{ name: 'out', type: 'file' }];
      const script = `echo out > out; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
      const outcome = await (await site.executor()).outcomeOf(site.launch(script, { action: { outputs } }));
      expect(outcome).toMatchObject({ status: 'succeeded', outputs: { out: { name: 'out', size: 4 } } });
      expect(storing).toHaveBeenCalledTimes(2);
    },
    specMs,
  );
});
