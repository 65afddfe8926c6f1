import { waitFor } from '@ryax/testing';
import type { Launch } from '../../apps/executor/src/launcher';
import { TestSite } from './site';
import { itWithTestServer, specMs } from './target';

/** Long enough for an attempt to begin, and the server to go, before it is over. */
const limitMs = 6_000;

describe('an attempt whose time passes while the server is away', () => {
  let site: TestSite;
  afterEach(() => TestSite.closeAll(), specMs);

  /** For longer than what is left of any of the limits; the pods go on. */
  async function whileAway(launch: Launch, change: () => void | Promise<void>): Promise<void> {
    await site.server.goDown();
    const sinceMs = performance.now();
    await change();
    const hasEnded = () => site.server.pods('runs').some(({ status }) => status.phase === 'Succeeded');
    await waitFor(hasEnded, { describe: `${launch.runId} to have ended` });
    await waitFor(() => performance.now() - sinceMs > limitMs + 1_000, { describe: 'the time to have passed' });
    await site.server.comeBack();
  }

  itWithTestServer('has succeeded where it had ended within its time limit', async () => {
    site = await TestSite.open();
    const executor = await site.executor();
    const gate = site.gate();
    const launch = site.launch(`echo begun; ${gate.wait}; echo over`, { timeoutMs: limitMs });
    const attempt = executor.launch(launch);
    await attempt.log.has('begun');
    await whileAway(launch, () => gate.open());
    expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
    expect(attempt.log.lines).toEqual(['begun', 'over']);
  });

  itWithTestServer('has succeeded where it had started before anybody lost patience', async () => {
    site = await TestSite.open({ site: { patience: { starting: `${limitMs / 1_000}s` } } });
    site.server.misbehaviour.slowStarts(limitMs / 2);
    const executor = await site.executor();
    const launch = site.launch('echo over');
    const attempt = executor.launch(launch);
    await site.containerIs('waiting', launch);
    await whileAway(launch, () => undefined);
    expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
    expect(attempt.log.lines).toEqual(['over']);
  });
});
