import { TestSite } from './site';
import { isReal, itWithTestServer, specMs } from './target';

const declared = (name: string, type: string) => ({ name, type, help: '', human_name: '' });

describe('an attempt as a pod', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.open();
  }, specMs);
  afterEach(() => TestSite.expectNoPods(), specMs);
  afterAll(() => TestSite.closeAll(), specMs);

  it(
    'gets its inputs as variables and as a file, and returns what it writes to $RYAX_OUTPUTS',
    async () => {
      const executor = await site.executor();
      const script = [
        'echo "sum of $numbers for $name"',
        'while read -r line || [ -n "$line" ]; do echo "$line"; done < "$RYAX_INPUTS"',
        'echo \'{"total": 6, "name": "Ada"}\' > "$RYAX_OUTPUTS"',
      ].join('; ');
      const outputs = [declared('total', 'integer'), declared('name', 'string')];
      const inputs = { numbers: [1, 2, 3], name: 'Ada' };
      const { end, log } = await executor.run(site.launch(script, { inputs, action: { outputs } }));

      expect(end.outcome).toEqual({ status: 'succeeded', outputs: { total: 6, name: 'Ada' } });
      expect(end.durationMs).toBeGreaterThan(0);
      expect(log.lines).toEqual(['sum of [1,2,3] for Ada', JSON.stringify(inputs)]);
    },
    specMs,
  );

  it(
    'has dollars as they are written, not as Kubernetes would replace them',
    async () => {
      const executor = await site.executor();
      const { log } = await executor.run(
        site.launch('echo "$(echo replaced by the shell)"; echo \'$(name) $$ $$(name)\''),
      );
      expect(log.lines).toEqual(['replaced by the shell', '$(name) $$ $$(name)']);
    },
    specMs,
  );

  it(
    'that ends with a status fails as a crash, with the status and what it has said last',
    async () => {
      const executor = await site.executor();
      const { end, log } = await executor.run(site.launch('echo no such station >&2; exit 7'));
      expect(end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'crash', code: 7 } });
      expect(JSON.stringify(end.outcome)).toContain('no such station');
      expect(log.lines).toEqual(['no such station']);
    },
    specMs,
  );

  it(
    'fails as a crash when there is no such command in its image, and says which',
    async () => {
      const executor = await site.executor();
      const command = ['/no/such/command'];
      const { end, log } = await executor.run(site.launch('', { action: { command } }));
      expect(end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'crash' } });
      expect(JSON.stringify(end.outcome)).toContain('/no/such/command');
      expect(log.lines).toEqual([]);
    },
    specMs,
  );

  it(
    'fails when its outputs are larger than Kubernetes keeps, and says how large they may be',
    async () => {
      const executor = await site.executor();
      const script = 's=x; while [ ${#s} -lt 5000 ]; do s=$s$s; done; echo "{\\"text\\": \\"$s\\"}" > "$RYAX_OUTPUTS"';
      const outputs = [declared('text', 'string')];
      const outcome = await executor.outcomeOf(site.launch(script, { action: { outputs } }));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalid' } });
      expect(JSON.stringify(outcome)).toContain('4096 bytes');
    },
    specMs,
  );

  it(
    'fails when an output is of another type than declared, and names it',
    async () => {
      const executor = await site.executor();
      const script = 'echo \'{"total": "six"}\' > "$RYAX_OUTPUTS"';
      const outputs = [declared('total', 'integer')];
      const outcome = await executor.outcomeOf(site.launch(script, { action: { outputs } }));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalid' } });
      expect(JSON.stringify(outcome)).toContain('total');
    },
    specMs,
  );

  it(
    'fails when it leaves something else than a JSON object as its outputs',
    async () => {
      const executor = await site.executor();
      const outcome = await executor.outcomeOf(site.launch('echo done > "$RYAX_OUTPUTS"'));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalid' } });
    },
    specMs,
  );

  it(
    'fails as out of memory when it has taken more than it asked for',
    async () => {
      const executor = await site.executor();
      // The test server enforces no limits, but can do what the kernel does.
      const gate = site.gate();
      const script = isReal ? 's=x; while :; do s=$s$s; done' : `echo growing; ${gate.wait}`;
      const launch = site.launch(script, { resources: { memory_bytes: 64 * 1024 * 1024 } });
      const attempt = executor.launch(launch);
      if (!isReal) {
        await attempt.log.has('growing');
        site.server.misbehaviour.oomKill('runs', site.podName(launch));
      }
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'out-of-memory' } });
      executor.forget(launch);
    },
    specMs,
  );

  itWithTestServer('that is evicted is lost', async () => {
    const executor = await site.executor();
    const launch = site.launch(`echo begun; ${site.gate().wait}`);
    const attempt = executor.launch(launch);
    await attempt.log.has('begun');
    await site.server.misbehaviour.evict('runs', site.podName(launch));
    expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    executor.forget(launch);
  });
});
