import { join } from 'node:path';
import { describeWithPython } from '../../apps/executor/src/process/testing/launcher-fixture';
import { needsReachedPods } from './reached-pods';
import { isReal } from './target';

const given = process.env['RYAX_TEST_FILES_IMAGE'];

/** The image of the server of commands' files: in a cluster one that it can pull. */
export const filesImage = isReal ? (given ?? '') : 'registry.test/files:1';
const server = join(__dirname, '../../runtimes/python3/files_server.py');
/** How the test server runs it. */
export const filesServer = { [filesImage]: { command: ['python3', server] } };

/** Skipped by name in a cluster for which nobody has said where the image is, and where there is no python3 to run it by. */
export function describeFiles(name: string, suite: () => void): void {
  if (!isReal) describeWithPython(name, suite);
  else if (given !== undefined) describe(name, needsReachedPods(suite));
  else describe.skip(`${name} (skipped: RYAX_TEST_FILES_IMAGE is not set)`, suite);
}
