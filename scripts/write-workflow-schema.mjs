// Writes docs/workflow.schema.json, the JSON Schema of a workflow definition, from the schema that the engine itself
// reads definitions with: node scripts/write-workflow-schema.mjs
import { writeFileSync } from 'node:fs';
import { inRoot } from './lib/paths.mjs';
import { loadTypeScript } from './lib/typescript.mjs';

const { workflowJsonSchema } = loadTypeScript('libs', 'contracts', 'src', 'definition.ts');
writeFileSync(inRoot('docs', 'workflow.schema.json'), `${JSON.stringify(workflowJsonSchema(), null, 2)}\n`);
