import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workflowJsonSchema } from '@ryax/contracts';

describe('docs/workflow.schema.json', () => {
  it('is what `node scripts/write-workflow-schema.mjs` writes', () => {
    const path = join(__dirname, '../../../../docs/workflow.schema.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(workflowJsonSchema());
  });
});
