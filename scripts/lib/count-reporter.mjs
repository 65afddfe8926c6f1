import { writeFileSync } from 'node:fs';

/** Tells the test script what Jest counted; a spec that could not be loaded counts as one failure. */
export default class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    const file = process.env.RYAX_TEST_COUNTS;
    if (!file) return;
    const counts = { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
    writeFileSync(file, JSON.stringify(counts));
  }
}
