import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Row } from '../../bench/src/rows';

const patienceMs = 300_000;

/** What each workload must say in any case, in each mode. */
const metrics: Readonly<Record<string, readonly string[]>> = {
  W1: ['ms_per_step', 'cpu_us_per_step'],
  'W2 20': ['steps_per_s', 'runs_per_s'],
  'W2 20 batch': ['steps_per_s', 'runs_per_s', 'accepted_per_s'],
  W3: ['total_ms'],
  W4: ['start_p50_ms', 'start_p99_ms'],
  'W5 10': ['start_p50_ms', 'start_p99_ms', 'start_p50_ratio', 'rss_mib.postgres'],
  W6: ['growth'],
  'W6 30': ['us_per_action', 'cpu_us_per_step'],
  W7: ['first_decision_s', 'all_heads_s'],
  'W8 diamond k=8': ['makespan_ratio'],
  W9: ['list_p99_ms', 'run_p99_ms', 'projection_lag_p99_ms'],
};

/** A recorded workflow of our own, in WfFormat. */
const diamond = {
  workflow: {
    specification: {
      tasks: [
        { id: 'top', parents: [] },
        { id: 'left', parents: ['top'] },
        { id: 'right', parents: ['top'] },
        { id: 'bottom', parents: ['left', 'right'] },
      ],
    },
    execution: { tasks: ['top', 'left', 'right', 'bottom'].map((id) => ({ id, runtimeInSeconds: 2 })) },
  },
};

describe('the benchmark', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ryax-bench-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it(
    'measures every workload in both modes, and finds nothing lost, repeated or too early',
    async () => {
      const json = join(directory, 'rows.json');
      const traces = join(directory, 'traces');
      mkdirSync(traces);
      writeFileSync(join(traces, 'diamond.json'), JSON.stringify(diamond));
      const main = join(__dirname, '../../bench/main.mjs');

      // Rejects, with what it has written, unless it ends with 0.
      await promisify(execFile)(process.execPath, [main, '--smoke', '--json', json, '--traces', traces], {
        timeout: patienceMs,
        maxBuffer: 16 * 1024 * 1024,
      });

      const rows = JSON.parse(readFileSync(json, 'utf8')) as Row[];
      const found = new Set(rows.map(({ workload, mode, metric }) => `${workload} ${mode} ${metric}`));
      const wanted = Object.entries(metrics).flatMap(([workload, names]) =>
        names.flatMap((name) => ['standalone', 'distributed'].map((mode) => `${workload} ${mode} ${name}`)),
      );
      expect(wanted.filter((each) => !found.has(each))).toEqual([]);
      expect(rows.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
      const fields = new Set(rows.map((row) => Object.keys(row).sort().join()));
      expect([...fields]).toEqual(['metric,mode,runs,system,unit,value,workload']);
    },
    patienceMs,
  );
});
