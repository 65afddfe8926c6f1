import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '@ryax/contracts';
import { packDirectory, type FileStore } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { ActionServer } from '../../apps/executor/src/kubernetes/action/action-server';
import type { Launch } from '../../apps/executor/src/launcher';
import { describeWithPython } from '../../apps/executor/src/process/testing/launcher-fixture';
import { needsReachedPods } from './reached-pods';
import { askEveryMs, TestSite } from './site';
import { isReal, patienceMs } from './target';
import { TestAction } from './test-action';
import type { TestExecutor } from './test-executor';

const limitMs = 3 * patienceMs;
const given = process.env['RYAX_TEST_ACTION_IMAGE'];
const image = isReal ? (given ?? '') : 'registry.test/any:1';
const [, repository = '', tag = ''] = /^([^@]+):([^/:]+)$/.exec(image) ?? [];

/** Skipped by name in a cluster for which nobody has said where the image is, and where there is no python3 to run one by. */
function describeActionImage(name: string, suite: () => void): void {
  if (!isReal) describeWithPython(name, suite);
  else if (repository !== '') describe(name, needsReachedPods(suite));
  else describe.skip(`${name} (skipped: RYAX_TEST_ACTION_IMAGE is not set to <repository>:<tag>)`, suite);
}

/** Of an action of which nothing is known: it gets no inputs, and may not like that. */
const declaresNothing = JSON.stringify({ spec: { type: 'python3' } });

describeActionImage('an image of an action, whichever it is', () => {
  let action: TestAction;
  let site: TestSite;
  let content: string;

  beforeAll(async () => {
    action = await TestAction.publish();
  });
  afterAll(() => action.close());
  afterEach(() => TestSite.closeAll(), limitMs);

  /** The image's tag stands where otherwise the hash of its content does. */
  async function open(fields: object): Promise<TestExecutor> {
    const [program] = Object.values(action.images);
    site = await TestSite.open({
      site: { actionImages: repository, ...fields },
      server: { images: { ...(program && { [image]: program }) } },
    });
    const folder = await mkdtemp(join(await site.folder(), 'action-'));
    await writeFile(join(folder, 'ryax_metadata.yaml'), declaresNothing);
    const { hash } = await packDirectory(site.files, folder);
    const files: FileStore = Object.assign(Object.create(site.files) as FileStore, {
      open: (asked: string) => site.files.open(asked === `sha256:${tag}` ? hash : asked),
    });
    content = `sha256:${tag}`;
    return site.executor(undefined, undefined, { files });
  }
  const launch = (): Launch => site.launch('', { action: { type: 'handler', content_hash: content } });

  /** It says itself how it came out: with a success, or with what it misses. */
  function expectItsOwn(outcome: Outcome): void {
    if (outcome.status === 'failed') expect(['user', 'invalid', 'crash']).toContain(outcome.failure.kind);
    else expect(outcome.status).toBe('succeeded');
  }

  it(
    'serves one execution in a pod of its own, which is then removed',
    async () => {
      const executor = await open({ handlers: 'job' });
      expectItsOwn(await executor.outcomeOf(launch()));
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'serves one execution after the other in a pod that is made ahead',
    async () => {
      const executor = await open({ handlers: 'warm' });
      executor.launcher.prewarm?.({ project: 'default', handlers: [{ content_hash: content, resources: {} }] });
      const pods = async () => (await site.pods()).map(({ metadata }) => metadata?.uid);
      await waitFor(async () => (await pods()).length === 1, {
        timeoutMs: patienceMs,
        intervalMs: askEveryMs,
        describe: 'a pod',
      });
      const [made] = await pods();
      const { end } = await executor.run(launch());
      expectItsOwn(end.outcome);
      expectItsOwn(await executor.outcomeOf(launch()));
      expect(await pods()).toEqual([made]);
    },
    limitMs,
  );

  it(
    'answers nobody who does not have the token of its pod',
    async () => {
      const executor = await open({ handlers: 'warm' });
      await executor.outcomeOf(launch());
      const address = (await site.pods())[0]?.status?.podIP ?? '';
      const stranger = new ActionServer(address, 'guessed', launch(), 10_000);
      await expect(stranger.invoke({}, undefined, AbortSignal.timeout(10_000))).rejects.toMatchObject({ status: 401 });
    },
    limitMs,
  );
});
