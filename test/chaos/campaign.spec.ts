import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Beside other specs; alone each takes less than two minutes. Longer than a campaign itself waits, which tells more. */
const patienceMs = 600_000;
/** What was cut off for it is reported, too. */
const specMs = patienceMs + 20_000;

interface Ended {
  readonly status: number;
  readonly output: string;
}

/** As people call it, in a process of its own. */
function chaos(...args: readonly string[]): Promise<Ended> {
  const main = join(__dirname, 'main.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { timeout: patienceMs }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}\n${stderr}` });
    });
  });
}

function count(output: string, name: string): number {
  const line = output.split('\n').find((each) => each.startsWith(`| ${name} `));
  if (line === undefined) throw new Error(`Expected a line "${name}" in the table, found:\n${output}`);
  return Number(line.split('|')[2]);
}

describe('a short campaign', () => {
  it(
    'makes each kind of fault once, and nothing is lost, stuck, wrong or done twice',
    async () => {
      const { status, output } = await chaos('--seed', '1', '--faults', '12');

      expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
      expect(count(output, 'faults in all')).toBe(12);
      // The spare of a fault that was not possible may be a second one.
      expect(count(output, 'broker-restart')).toBeGreaterThanOrEqual(1);
      expect(count(output, 'runs accepted')).toBeGreaterThan(20);
      expect(count(output, 'lists of all runs read meanwhile')).toBeGreaterThan(0);
      expect(['lost', 'stuck', 'wrong', 'duplicate effects'].map((name) => count(output, name))).toEqual([0, 0, 0, 0]);
    },
    specMs,
  );
});

describe('a campaign against an engine that is broken on purpose', () => {
  it(
    'says so, and how to repeat it, where runners do not emit a lost start again',
    async () => {
      // Each of these faults is over once a start has been lost for certain.
      const breaking = ['--only', 'lose-starts', '--without', 're-emission', '--patience', '15'];
      const { status, output } = await chaos('--seed', '8', '--faults', '2', ...breaking);

      expect(status).toBe(1);
      expect(count(output, 'stuck')).toBeGreaterThan(0);
      expect(output).toContain('Again: npm run chaos -- --seed 8 --faults 2');
    },
    specMs,
  );
});
