import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EngineUnderTest } from './engine';
import { describeMachine } from './machine';
import { pairedPlan, type Planned } from './plan';
import { overRepeats, type Mode, type Row } from './rows';
import type { Scripts } from './scripts';
import { renderTable } from './table';
import type { Size } from './workload';

const modes: readonly Mode[] = ['standalone', 'distributed'];

interface Asked {
  readonly size: Size;
  readonly json: string | undefined;
  readonly only: ReadonlySet<string> | undefined;
  readonly modes: readonly Mode[];
  readonly repeats: number;
}

/** Measures what is asked for, prints one table, and answers the exit status. */
export async function bench(args: readonly string[], scripts: Scripts): Promise<number> {
  const asked = parse(args);
  const machine = describeMachine();
  console.log(machine.text);
  const rows: Row[] = [];
  const failures: string[] = [];
  for (let repeat = 1; repeat <= asked.repeats; repeat++) {
    for (const mode of asked.modes) {
      const measured = await measureMode(scripts, mode, asked);
      rows.push(...measured.rows);
      failures.push(...measured.failures);
    }
  }
  const figures = overRepeats(rows);
  console.log(`\n${renderTable(figures)}`);
  for (const failure of failures) console.error(failure);
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  return failures.length === 0 ? 0 : 1;
}

async function measureMode(
  scripts: Scripts,
  mode: Mode,
  asked: Asked,
): Promise<{ readonly rows: Row[]; readonly failures: string[] }> {
  const rows: Row[] = [];
  const failures: string[] = [];
  const plan = [...pairedPlan(asked.size, 'noop'), ...pairedPlan(asked.size, 'handler')].filter(
    ({ code }) => asked.only?.has(code) ?? true,
  );
  const engine = await EngineUnderTest.start(scripts, mode);
  try {
    await engine.publish(scripts.inRoot('bench', 'actions', 'noop'));
    for (const planned of plan) await measure(engine, planned, rows);
  } catch (error) {
    failures.push(`${mode}: ${String(error)}\n${engine.lastWords}`);
  } finally {
    await engine.stop();
  }
  return { rows, failures };
}

async function measure(engine: EngineUnderTest, planned: Planned, rows: Row[]): Promise<void> {
  const { mode } = engine;
  const { workload, system } = planned;
  const figures = await planned.run(engine);
  rows.push(...figures.map((figure) => ({ workload, mode, system, ...figure, runs: 1 })));
  const [first, ...others] = figures.filter(({ metric }) => !metric.includes('.'));
  const shown = [first, ...others].map((each) => `${each?.metric} ${each?.value.toFixed(2)}`);
  console.log(`${mode.padEnd(12)} ${workload.padEnd(8)} ${system.padEnd(22)} ${shown.join('  ')}`);
}

function parse(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      mode: { type: 'string' },
      repeats: { type: 'string', default: '1' },
    },
  });
  const mode = modes.find((each) => each === values.mode);
  if (values.mode !== undefined && mode === undefined) {
    throw new Error(`Expected --mode to be ${modes.join(' or ')}, found ${values.mode}`);
  }
  const repeats = Number(values.repeats);
  if (!Number.isInteger(repeats) || repeats < 1) throw new Error(`Expected --repeats of 1 or more`);
  return {
    size: values.smoke ? 'smoke' : values.quick ? 'quick' : 'full',
    json: values.json,
    only: values.only === undefined ? undefined : new Set(values.only.split(',')),
    modes: mode === undefined ? modes : [mode],
    repeats,
  };
}
