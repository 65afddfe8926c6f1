import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { useTestBroker, useTestDatabase } from '@ryax/testing';
import { Engine, expectSoundHistory } from './engine';
import { definitionOfTrace, type Trace } from './trace-definition';

/** Recorded executions of real workflows in WfFormat; not ours to ship, so their folder is a setting. */
const folder = resolve(process.env['RYAX_TEST_TRACES'] ?? join(__dirname, '../../../shared/data/wfinstances'));
const traces = existsSync(folder)
  ? readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'expected.json')
  : [];

if (traces.length === 0) {
  it(`has no traces to run: RYAX_TEST_TRACES names no folder with WfFormat files (looked in ${folder})`, () => {
    expect(traces).toEqual([]);
  });
} else {
  describe('workflows made of recorded traces', () => {
    const broker = useTestBroker();
    const database = useTestDatabase();
    const engine = new Engine({ brokerUrl: () => broker.url, datastoreUrl: () => database.url });

    beforeAll(() => engine.startAll(), 120_000);

    it.each(traces)(
      '%s runs to its end, each task after all of its parents',
      async (file) => {
        const trace = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Trace;
        const { definition, parents } = definitionOfTrace(trace, file.replace(/\.json$/, '').toLowerCase());
        const runId = await engine.execute(definition);
        expect(await engine.waitForEnd(runId)).toBe('succeeded');

        const history = await engine.history(runId);
        expectSoundHistory(history);
        const versions = (type: string) =>
          new Map(
            history.filter((event) => event.type === type).map(({ data, version }) => [data['execution'], version]),
          );
        const scheduled = versions('ExecutionScheduled');
        const succeeded = versions('ExecutionSucceeded');
        expect(succeeded.size).toBe(parents.size);
        const tooEarly = [...parents].flatMap(([task, before]) =>
          before
            .filter((parent) => Number(succeeded.get(parent)) > Number(scheduled.get(task)))
            .map((parent) => `${task} before ${parent}`),
        );
        expect(tooEarly).toEqual([]);
      },
      180_000,
    );
  });
}
