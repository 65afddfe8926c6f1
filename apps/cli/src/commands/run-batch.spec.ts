import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BatchRun } from '../engine/engine';
import { json, type Asked, type Route } from '../testing/fake-engine';
import { ryax, ryaxWith } from '../testing/ryax';

const path = '/v1/workflows/quakes/runs/batch';

/** A run's id is made of its key, as in the engine: the same key gives the same run. */
const accepted = ({ idempotency_key: key }: BatchRun) => ({
  status: 202,
  run_id: `run-${key}`,
  workflow_id: 'quakes',
  workflow_version: 2,
});
const refused = (status: number, error: string) => ({
  status,
  error,
  details: [{ path: 'runs[1].inputs.region', reason: 'expected a text' }],
});

function runsOf({ body }: Asked): BatchRun[] {
  return (JSON.parse(body) as { runs: BatchRun[] }).runs;
}

function answering(answer: (run: BatchRun) => object): Record<string, Route> {
  return {
    [`POST ${path}`]: (asked, response) => json({ items: runsOf(asked).map(answer) }, 207)(asked, response),
  };
}

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryax-cli-'));
  file = join(folder, 'runs.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

describe('run --batch', () => {
  it('starts a run for each line that is not empty, with the labels, under a key made of the key and the line', async () => {
    await writeFile(file, '\uFEFF{"region":"north"}\r\n\n{"region":"south","depth":[1,2]}\n');
    const args = ['--batch', file, '--label', 'team=geo', '--key', 'nightly'];

    const { status, out, notes, asked } = await ryax(answering(accepted), 'run', 'quakes', ...args);

    expect({ status, out }).toEqual({ status: 0, out: 'line 1: run run-nightly:1\nline 3: run run-nightly:3\n' });
    expect(notes).toBe('Started 2 of 2 runs of quakes\n');
    const labels = { team: 'geo' };
    expect(asked.map(runsOf)).toEqual([
      [
        { inputs: { region: 'north' }, labels, idempotency_key: 'nightly:1' },
        { inputs: { region: 'south', depth: [1, 2] }, labels, idempotency_key: 'nightly:3' },
      ],
    ]);
  });

  it('reads what is piped in, and prints JSON', async () => {
    const { status, out } = await ryaxWith('{}', answering(accepted), 'run', 'quakes', '--batch', '-', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toEqual([
      { line: 1, status: 202, run_id: expect.stringMatching(/:1$/), workflow_id: 'quakes', workflow_version: 2 },
    ]);
  });

  it('sends as many calls as 1,000 runs each need, and no more bytes than a body may have', async () => {
    await writeFile(file, '{}\n'.repeat(2_001));
    const many = await ryax(answering(accepted), 'run', 'quakes', '--batch', file);
    expect(many.asked.map((asked) => runsOf(asked).length)).toEqual([1_000, 1_000, 1]);
    const keys = many.asked.flatMap(runsOf).map((run) => run.idempotency_key);
    expect(new Set(keys).size).toBe(2_001);

    await writeFile(file, `{"text":"${'x'.repeat(6 * 1024 * 1024)}"}\n`.repeat(3));
    const large = await ryax(answering(accepted), 'run', 'quakes', '--batch', file);
    expect(large.asked.map((asked) => runsOf(asked).length)).toEqual([2, 1]);
  });

  it('deploys a definition once for all of its runs', async () => {
    const definition = join(folder, 'workflow.yaml');
    await writeFile(definition, 'spec: { id: quakes, actions: [] }');
    const routes = {
      ...answering(accepted),
      'POST /v1/workflows': json({ workflow_id: 'quakes', version: 2 }, 201),
    };
    const { status, asked } = await ryaxWith('{}\n{}\n', routes, 'run', definition, '--batch', '-');
    expect(status).toBe(0);
    expect(asked.map(({ path: each }) => each)).toEqual(['/v1/workflows', path]);
  });

  describe('with a bad line', () => {
    it('names each by its number, and sends nothing', async () => {
      await writeFile(file, '{}\n[1]\n\n{"a":\n"text"\n{}\n');
      const { status, notes, asked } = await ryax(answering(accepted), 'run', 'quakes', '--batch', file);
      expect(status).toBe(2);
      expect(asked).toEqual([]);
      expect(notes).toContain('line 2: expected a JSON object, the inputs of a run, found [1]');
      expect(notes).toContain('line 4: expected JSON: ');
      expect(notes).toContain('line 5: expected a JSON object');
    });

    it('names one that no call has room for', async () => {
      await writeFile(file, `{}\n{"text":"${'x'.repeat(17 * 1024 * 1024)}"}\n`);
      const { status, notes, asked } = await ryax(answering(accepted), 'run', 'quakes', '--batch', file);
      expect([status, asked]).toEqual([2, []]);
      expect(notes).toContain('line 2: expected at most');
    });

    it('does not go on for ever about a file that is something else', async () => {
      await writeFile(file, 'nonsense\n'.repeat(500));
      const { notes } = await ryax({}, 'run', 'quakes', '--batch', file);
      expect(notes.split('\n').length).toBeLessThan(30);
      expect(notes).toContain('and 480 more lines');
    });

    it('or with no line at all, is wrong use', async () => {
      const { status, notes } = await ryaxWith('\n', answering(accepted), 'run', 'quakes', '--batch', '-');
      expect(status).toBe(2);
      expect(notes).toContain('has no lines');
    });
  });

  describe('when the engine refuses', () => {
    it('some runs, says which lines and why, starts the others, and ends with 2', async () => {
      const routes = answering((run) => (run.inputs['region'] === 7 ? refused(400, 'Invalid inputs') : accepted(run)));
      const lines = '{"region":"a"}\n{"region":7}\n';

      const { status, out, notes } = await ryaxWith(lines, routes, 'run', 'quakes', '--batch', '-', '--key', 'k');

      expect({ status, out }).toEqual({ status: 2, out: 'line 1: run run-k:1\n' });
      expect(notes).toContain('line 2: Invalid inputs\n  inputs.region: expected a text\n');
      expect(notes).toContain('Started 1 of 2 runs of quakes');
      expect(notes).toContain('--key k');
    });

    it('all of it, says why, and ends with 2', async () => {
      const routes = { [`POST ${path}`]: json({ error: 'There is no workflow quakes', details: [] }, 404) };
      const { status, out, notes } = await ryaxWith('{}', routes, 'run', 'quakes', '--batch', '-');
      expect({ status, out, notes }).toEqual({ status: 2, out: '', notes: 'There is no workflow quakes\n' });
    });
  });

  describe('when an answer is lost', () => {
    it('repeats the call under the same keys', async () => {
      let calls = 0;
      const routes = answering(accepted);
      const flaky: Route = (asked, response) => {
        if (calls++ === 0) response.destroy();
        else routes[`POST ${path}`]?.(asked, response);
      };

      const { status, asked } = await ryaxWith('{}\n{}', { [`POST ${path}`]: flaky }, 'run', 'quakes', '--batch', '-');

      expect(status).toBe(0);
      expect(asked).toHaveLength(2);
      expect(asked[1]?.body).toBe(asked[0]?.body);
    });

    it('asks again for the runs that were not answered, and only for those', async () => {
      const seen = new Set<string>();
      const routes = answering((run) => {
        if (run.inputs['slow'] !== true || seen.has(run.idempotency_key)) return accepted(run);
        seen.add(run.idempotency_key);
        return { ...refused(503, 'The engine did not answer in time'), run_id: 'r' };
      });

      const lines = '{}\n{"slow":true}\n{}';
      const { status, out, asked } = await ryaxWith(lines, routes, 'run', 'quakes', '--batch', '-', '--key', 'k');

      expect(status).toBe(0);
      expect(asked.map((each) => runsOf(each).map((run) => run.idempotency_key))).toEqual([
        ['k:1', 'k:2', 'k:3'],
        ['k:2'],
      ]);
      expect(out).toBe('line 1: run run-k:1\nline 2: run run-k:2\nline 3: run run-k:3\n');
    });

    it('of a later call, tells what was started, the key to go on with, and ends with 3', async () => {
      let calls = 0;
      const routes = answering(accepted);
      const dying: Route = (asked, response) => {
        if (calls++ === 0) routes[`POST ${path}`]?.(asked, response);
        else json({ nonsense: true })(asked, response);
      };
      await writeFile(file, '{}\n'.repeat(1_001));
      const args = ['--batch', file, '--key', 'k', '--json'];

      const { status, out, notes } = await ryax({ [`POST ${path}`]: dying }, 'run', 'quakes', ...args);

      expect(status).toBe(3);
      expect(JSON.parse(out)).toHaveLength(1_000);
      expect(notes).toContain('Started 1000 of 1001 runs of quakes');
      expect(notes).toContain('--key k');
    });
  });
});
