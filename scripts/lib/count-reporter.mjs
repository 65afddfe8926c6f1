import { writeFileSync } from 'node:fs';

const leftOpenPatienceMs = 30_000;

/** Tells the test script what Jest counted, and sees to it that a run which leaves something open fails instead of hanging. */
export default class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    const file = process.env.RYAX_TEST_COUNTS;
    if (!file) return;
    // A spec that could not be loaded counts as one failure.
    const counts = { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
    writeFileSync(file, JSON.stringify(counts));
    setTimeout(() => {
      console.error(`Something that a spec left open kept Jest from ending for ${leftOpenPatienceMs} ms.`);
      process.exit(1);
    }, leftOpenPatienceMs).unref();
  }
}
