import type { Outcome } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { Launch } from '../../apps/executor/src/launcher';
import { TestSite } from './site';
import { patienceOfCluster } from './site-defaults';
import { isReal, itWithTestServer, pulling, specMs } from './target';

/** No registry of this name can be (RFC 2606), so no node asks one for long. */
const noImage = 'registry.invalid/none:1';
/** In a cluster nodes may have to be made, and what looks for one looks from time to time. */
const patience = isReal
  ? { ...patienceOfCluster, image: '20s', configuration: '10s' }
  : { image: '2s', configuration: '2s', unschedulable: '2s' };
const withoutNode = { ...patience, unschedulable: isReal ? '20s' : '2s' };
const server = { isMissing: (image: string) => image === noImage };

describe('an attempt whose pod cannot start', () => {
  let site: TestSite | undefined;
  afterEach(() => TestSite.closeAll(), specMs);

  /** What comes of an attempt at a site like this. */
  async function outcomeAt(options: object, image?: string): Promise<Outcome> {
    site = await TestSite.open({ site: { patience, ...options }, server });
    const executor = await site.executor();
    const launch = site.launch('echo never', { ...(image !== undefined && { action: { image } }) });
    const { end, log } = await executor.run(launch);
    expect(log.lines).toEqual([]);
    await site.noPodIsLeft();
    return end.outcome;
  }

  it(
    'fails with the cause when its image cannot be pulled',
    async () => {
      const outcome = await outcomeAt({}, noImage);
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'image', details: { image: noImage } } });
      expect(JSON.stringify(outcome)).toMatch(/pull|resolve|lookup|not found/);
    },
    specMs,
  );

  itWithTestServer('fails soon, with advice, when its registry has no such image', async () => {
    const outcome = await outcomeAt({ patience: { ...patience, image: '1h', refusedImage: '1s' } }, noImage);
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'image' } });
    expect(JSON.stringify(outcome)).toContain("not found. Check the image's name and tag");
  });

  itWithTestServer('succeeds when its image is pushed a moment later', async () => {
    let isMissing = true;
    site = await TestSite.open({ server: { isMissing: (image) => image === noImage && isMissing } });
    const executor = await site.executor();
    const launch = site.launch('echo over', { action: { image: noImage } });
    const attempt = executor.launch(launch);
    await attempt.log.has('Its pod waits: Back-off pulling image');
    isMissing = false;
    expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
  });

  describe('while it is asked why it does not start', () => {
    let isMissing = true;
    beforeEach(() => {
      isMissing = true;
    });

    /** What comes of an attempt when this happens to it meanwhile. */
    async function endsBy(options: object, act: (site: TestSite, launch: Launch) => Promise<unknown>) {
      const isMissed = (image: string) => image === noImage && isMissing;
      const opened = (site = await TestSite.open({ site: { patience, ...options }, server: { isMissing: isMissed } }));
      const executor = await opened.executor();
      const release = opened.server.misbehaviour.hold({ path: /\/events\?/ });
      const launch = opened.launch('echo over', { action: { image: noImage } });
      const attempt = executor.launch(launch);
      await waitFor(() => opened.server.requestCounts['list events'] === 1, { describe: 'the events to be asked for' });
      await act(opened, launch);
      // What is heard comes in its order: of what becomes of the other one it has heard, too.
      const other = executor.launch(opened.launch('true'));
      const hasOther = async () => (await opened.pods()).length === 2;
      await waitFor(hasOther, { describe: 'another pod' });
      other.running.cancel(true);
      await other.running.ended;
      release();
      return { outcome: await attempt.outcome(), lines: attempt.log.lines };
    }

    itWithTestServer('succeeds when it does', async () => {
      const { outcome, lines } = await endsBy({}, async (at, launch) => {
        isMissing = false;
        await at.containerIs('terminated', launch);
      });
      expect(outcome).toMatchObject({ status: 'succeeded' });
      expect(lines).toEqual(['over']);
    });

    itWithTestServer('is lost when the node that it was given at last has no room for it', async () => {
      const body = { status: { phase: 'Failed', reason: 'OutOfcpu', message: 'Node did not have enough resource' } };
      const nowhere = { spec: { nodeSelector: { 'example.org/no-such-label': 'yes' } } };
      const { outcome } = await endsBy({ podTemplate: nowhere }, (at, launch) => at.setStatus(launch, body));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'lost', details: { reason: 'OutOfcpu' } } });
    });
  });

  it(
    'is rejected when a secret is missing, and names it',
    async () => {
      const valueFrom = { secretKeyRef: { name: 'ryax-test-no-such-secret', key: 'token' } };
      const containers = [{ name: 'main', ...pulling, env: [{ name: 'TOKEN', valueFrom }] }];
      const outcome = await outcomeAt({ podTemplate: { spec: { containers } } });
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'rejected' } });
      expect(JSON.stringify(outcome)).toContain('ryax-test-no-such-secret');
    },
    specMs,
  );

  it(
    'is rejected when no node has the labels that it selects by, in the words of the scheduler',
    async () => {
      const nodeSelector = { 'example.org/no-such-label': 'yes' };
      const outcome = await outcomeAt({ patience: withoutNode, podTemplate: { spec: { nodeSelector } } });
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'rejected' } });
      expect(JSON.stringify(outcome)).toContain('nodes are available');
    },
    specMs,
  );

  it(
    'is rejected without a pod when it asks more than any node has',
    async () => {
      site = await TestSite.open();
      const executor = await site.executor();
      const outcome = await executor.outcomeOf(site.launch('echo never', { resources: { cpu: 2 } }));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'rejected' } });
      expect(JSON.stringify(outcome)).toContain('is asked for cpu 2 where it has 1');
      expect(await site.pods()).toEqual([]);
    },
    specMs,
  );

  it(
    'is cancelled while it waits',
    async () => {
      site = await TestSite.open({ server });
      const executor = await site.executor();
      const launch = site.launch('echo never', { action: { image: noImage } });
      const attempt = executor.launch(launch);
      await site.containerIs('waiting', launch);
      attempt.running.cancel(false);
      expect(await attempt.outcome()).toEqual({ status: 'cancelled' });
      await site.noPodIsLeft();
    },
    specMs,
  );
});
