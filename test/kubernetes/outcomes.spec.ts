import { patienceMs, TestSite } from './site';

const limitMs = 3 * patienceMs;

describe('an attempt as a pod', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.open({ site: { patience: { image: '2s', configuration: '2s', unschedulable: '2s' } } });
  }, limitMs);
  afterAll(() => site.close(), limitMs);

  it(
    'gets its inputs as variables and as a file, and returns what it writes to $RYAX_OUTPUTS',
    async () => {
      const executor = await site.executor();
      const script = [
        'echo "sum of $numbers for $name costs $$ and $(date)" | sed "s/ costs .*//"',
        'cat "$RYAX_INPUTS"',
        'echo \'{"total": 6, "name": "Ada"}\' > "$RYAX_OUTPUTS"',
      ].join('; ');
      const outputs = [
        { name: 'total', type: 'integer', help: '', human_name: '' },
        { name: 'name', type: 'string', help: '', human_name: '' },
      ];
      const inputs = { numbers: [1, 2, 3], name: 'Ada' };
      const { end, log } = await executor.run(site.launch(script, { inputs, action: { outputs } }));

      expect(end.outcome).toEqual({ status: 'succeeded', outputs: { total: 6, name: 'Ada' } });
      expect(end.durationMs).toBeGreaterThan(0);
      expect(log.lines).toEqual(['sum of [1,2,3] for Ada', JSON.stringify(inputs)]);
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'that ends with a status fails as a crash, with the status and what it has said last',
    async () => {
      const executor = await site.executor();
      const { end, log } = await executor.run(site.launch('echo no such station >&2; exit 7'));
      expect(end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'crash', code: 7 } });
      expect(log.lines).toEqual(['no such station']);
      await site.noPodIsLeft();
    },
    limitMs,
  );
});
