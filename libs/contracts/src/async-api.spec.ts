import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import { asyncApiDocument } from './async-api';
import { channelList } from './async-api-channels';
import { messageSchemas } from './envelope';
import { exchanges } from './routing';

const documentPath = join(__dirname, '../../../docs/asyncapi.json');

describe(asyncApiDocument.name, () => {
  it('is valid AsyncAPI', async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument()));

    expect(diagnostics).toEqual([]);
    expect(document?.version()).toBe('3.1.0');
  });

  it('is what docs/asyncapi.json says; otherwise run "node scripts/generate-docs.mjs"', () => {
    expect(JSON.parse(readFileSync(documentPath, 'utf8'))).toEqual(asyncApiDocument());
  });

  it('has its readable half: docs/messages.md names every exchange and message', () => {
    const text = readFileSync(join(__dirname, '../../../docs/messages.md'), 'utf8');
    const names = [...Object.values(exchanges).map(({ name }) => name), ...Object.keys(messageSchemas)];

    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it('tells of every message type where it flows', () => {
    const flowing = channelList.flatMap(([, { messages }]) => messages);

    expect([...new Set(flowing)].sort()).toEqual(Object.keys(messageSchemas).sort());
  });
});
