import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const patienceMs = 240_000;

describe('a burst of submissions', () => {
  it(
    'is taken or told to come later: every accepted run ends, and no service grows beyond its bound',
    async () => {
      const main = join(__dirname, '../../bench/burst.mjs');
      // Rejects, with what it has written, unless it ends with 0.
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [main, '--submissions', '3000', '--starts-in-flight', '300'],
        {
          timeout: patienceMs,
        },
      );
      expect(stdout).toContain('accepted 3000, begun 3000, succeeded 3000, lost 0');
      expect(stdout).toMatch(/told to come later: [1-9]/);
      expect(stdout.match(/below 512 MiB/g)).toHaveLength(4);
    },
    patienceMs,
  );
});
