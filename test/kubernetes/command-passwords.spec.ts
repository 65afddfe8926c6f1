import type { V1Pod } from '@kubernetes/client-node';
import { isFileReference } from '@ryax/contracts';
import { LocalFileStore } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { secrets } from '../../libs/testing/src/kubernetes/objects';
import { describeFiles, filesImage, filesServer } from './files-image';
import { ioError, TestSite } from './site';
import { itWithTestServer, patienceMs, specMs } from './target';
import type { TestExecutor, Watched } from './test-executor';

const plain = 'open"sesame$(date)';
const reveal = 'echo "the password is $password"';

describe('a password of a command in a pod', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open();
  }, specMs);
  afterEach(() => {
    jest.restoreAllMocks();
    return TestSite.closeAll();
  }, specMs);

  const launchWith = async (script: string, fields = {}) =>
    site.launch(script, { inputs: { password: await site.secret(plain), user: 'Ada' }, ...fields });

  async function adoptedBy(executor: TestExecutor): Promise<Watched | undefined> {
    const isAdopted = () => {
      executor.launcher.alive([executor.incarnation]);
      return executor.adopted.length === 1;
    };
    await waitFor(isAdopted, { timeoutMs: patienceMs, intervalMs: 100, describe: 'an adoption' });
    return executor.adopted[0];
  }

  it(
    'is its variable and stands in $RYAX_INPUTS, and in its log there is ****',
    async () => {
      const script = `${reveal}; cat "$RYAX_INPUTS"`;
      const { end, log } = await (await site.executor()).run(await launchWith(script));
      expect(end.outcome).toEqual({ status: 'succeeded', outputs: {} });
      expect(log.lines).toEqual(['the password is ****', '{"password":"****","user":"Ada"}']);
      await site.noPodIsLeft();
    },
    specMs,
  );

  it(
    'reaches it as it is',
    async () => {
      const outputs = [{ name: 'length', type: 'integer' }];
      const script = `printf '{"length": %d}' "$(printf %s "$password" | wc -c)" > "$RYAX_OUTPUTS"`;
      const outcome = await (await site.executor()).outcomeOf(await launchWith(script, { action: { outputs } }));
      expect(outcome).toEqual({ status: 'succeeded', outputs: { length: plain.length } });
    },
    specMs,
  );

  it(
    'that it returns is stored although the filestore takes it only when it is asked again',
    async () => {
      const storing = jest.spyOn(LocalFileStore.prototype, 'putSecret').mockRejectedValueOnce(ioError());
      const outputs = [{ name: 'token', type: 'password' }];
      const returning = site.launch(`echo '{"token": "new"}' > "$RYAX_OUTPUTS"`, { action: { outputs } });
      const outcome = await (await site.executor()).outcomeOf(returning);
      expect(outcome).toMatchObject({
        status: 'succeeded',
        outputs: { token: { $secret: expect.any(String) as string } },
      });
      expect(storing).toHaveBeenCalledTimes(2);
    },
    specMs,
  );

  it(
    'is nowhere to be read in its pod, whatever comes of it, nor in its failure',
    async () => {
      const executor = await site.executor();
      const wanted = await launchWith(`${reveal} >&2; exit 3`);
      const begun = executor.launch(wanted);
      expect(await begun.outcome()).toMatchObject({
        status: 'failed',
        failure: { kind: 'crash', code: 3, message: 'The command exited with status 3: the password is ****' },
      });
      const pods: readonly V1Pod[] = await site.pods();
      expect(pods).toHaveLength(1);
      expect(JSON.stringify(pods)).not.toContain('sesame');
      executor.forget(wanted);
      await site.noPodIsLeft();
    },
    specMs,
  );

  itWithTestServer('goes with its pod', async () => {
    const path = '/api/v1/namespaces/runs/secrets';
    const present = async () =>
      (JSON.parse((await site.ask({ method: 'GET', path })).body) as { readonly items: readonly object[] }).items;
    const gate = site.gate();
    const executor = await site.executor();
    const wanted = await launchWith(`echo begun; ${gate.wait}`);
    const begun = executor.launch(wanted);
    await begun.log.has('begun');
    expect(await present()).toHaveLength(1);
    await gate.open();
    await begun.outcome();
    executor.forget(wanted);
    await site.noPodIsLeft();
    await waitFor(async () => (await present()).length === 0, { timeoutMs: patienceMs, describe: 'no secret' });
  });

  it(
    'is masked by its successor, too',
    async () => {
      const gate = site.gate();
      const first = await site.executor();
      const wanted = await launchWith(`echo begun; ${gate.wait}; ${reveal}`);
      await first.launch(wanted).log.has('begun');
      await first.close();
      const second = await site.executor();
      const adopted = await adoptedBy(second);
      await gate.open();
      expect(await adopted?.outcome()).toEqual({ status: 'succeeded', outputs: {} });
      expect(adopted?.log.lines).toEqual(['begun', 'the password is ****']);
      second.forget(wanted);
    },
    specMs,
  );

  itWithTestServer(
    'that a successor can read only when it asks again reaches a command that has not begun',
    async () => {
      const first = await site.executor();
      // Its pod waits for it.
      site.server.misbehaviour.hold({ method: 'POST', path: /secrets$/ });
      const wanted = await launchWith(reveal);
      first.launch(wanted);
      await site.containerIs('waiting', wanted);
      await first.close();
      const reading = jest.spyOn(LocalFileStore.prototype, 'readSecret').mockRejectedValueOnce(ioError());
      const successor = await site.executor();
      const adopted = await adoptedBy(successor);
      expect(await adopted?.outcome()).toEqual({ status: 'succeeded', outputs: {} });
      expect(adopted?.log.lines).toEqual(['the password is ****']);
      expect(reading.mock.calls.length).toBeGreaterThan(1);
    },
  );

  itWithTestServer('whose Secret was created although nobody heard of it is created once', async () => {
    site.server.misbehaviour.loseReply({ method: 'POST', path: /secrets$/ });
    const { end, log } = await (await site.executor()).run(await launchWith(reveal));
    expect(end.outcome).toEqual({ status: 'succeeded', outputs: {} });
    expect(log.lines).toEqual(['the password is ****']);
  });

  itWithTestServer(
    'is no failure of a command that had it, and has ended before its executor knew either',
    async () => {
      const executor = await site.executor();
      const { misbehaviour, answers } = site.server;
      const isWatching = () => site.server.requestCounts['watch pods'] !== undefined;
      await waitFor(isWatching, { timeoutMs: patienceMs, describe: 'a watch' });
      // From now on nothing is heard of any pod.
      misbehaviour.silenceWatches();
      // It is created, and nobody hears of that either.
      misbehaviour.landLate({ method: 'POST', path: /secrets$/, times: Infinity })();
      const begun = executor.launch(await launchWith(reveal));
      const hasEnded = () => site.server.pods('runs').some(({ status }) => status.phase === 'Succeeded');
      await waitFor(hasEnded, { timeoutMs: patienceMs, describe: 'the pod to have ended' });
      misbehaviour.requests.clear();
      const refusal = answers.notAllowed('executor', 'create', secrets, 'runs');
      misbehaviour.answer(refusal, { method: 'POST', path: /secrets$/, times: Infinity });
      expect(await begun.outcome()).toEqual({ status: 'succeeded', outputs: {} });
      expect(begun.log.lines).toEqual(['the password is ****']);
    },
  );

  itWithTestServer(
    'for which the executor may create no Secret: rejected, with the right that is missing',
    async () => {
      const refusal = site.server.answers.notAllowed('executor', 'create', secrets, 'runs');
      site.server.misbehaviour.answer(refusal, { method: 'POST', path: /secrets$/ });
      const outcome = await (await site.executor()).outcomeOf(await launchWith(reveal));
      expect(outcome).toMatchObject({
        failure: {
          kind: 'rejected',
          message: expect.stringContaining('may create secrets in its namespace') as string,
        },
      });
      expect(JSON.stringify(outcome)).not.toContain('sesame');
      await site.noPodIsLeft();
    },
  );
});

describeFiles('a password of a command that has files, too', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open({ site: { filesImage }, server: { images: filesServer } });
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  it(
    'reaches it beside them, and its pod says nothing of it',
    async () => {
      const { hash, size } = await site.files.put('rows\n');
      const inputs = {
        rows: { $file: hash, name: 'rows.csv', size, kind: 'file' },
        password: await site.secret(plain),
      };
      const script = `cat "$rows"; ${reveal}; printf %s "$password" > out; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
      const executor = await site.executor();
      const wanted = site.launch(script, { inputs, action: { outputs: [{ name: 'out', type: 'file' }] } });
      const begun = executor.launch(wanted);
      const outcome = await begun.outcome();
      if (outcome.status !== 'succeeded') throw new Error(JSON.stringify(outcome));
      const { out } = outcome.outputs;
      if (!isFileReference(out)) throw new Error('Expected a file');
      expect(String(await site.files.read(out.$file))).toBe(plain);
      expect(begun.log.lines).toEqual(['rows', 'the password is ****']);
      expect(JSON.stringify(await site.pods())).not.toContain('sesame');
      executor.forget(wanted);
      await site.noPodIsLeft();
    },
    specMs,
  );

  itWithTestServer('whose Secret is beyond a quota waits no longer than for any other start', async () => {
    await site.close();
    const patience = { starting: '2s' };
    site = await TestSite.open({ site: { filesImage, patience }, server: { images: filesServer } });
    const refusal = site.server.answers.exceededQuota(secrets, 'x', 'secrets', 1, 1);
    site.server.misbehaviour.answer(refusal, { method: 'POST', path: /secrets$/, times: Infinity });
    const outputs = [{ name: 'out', type: 'file' }];
    const wanted = site.launch(reveal, { inputs: { password: await site.secret(plain) }, action: { outputs } });
    const outcome = await (await site.executor()).outcomeOf(wanted);
    expect(outcome).toMatchObject({ status: 'failed' });
    expect(JSON.stringify(outcome)).not.toContain('sesame');
    await site.noPodIsLeft();
  });
});
