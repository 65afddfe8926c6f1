import type { EventLog } from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import { Values } from './values';

describe('Values that a decision loads', () => {
  const log = { readVersions: () => Promise.resolve([]) } as Pick<EventLog, 'readVersions'>;
  const files = { read: () => Promise.resolve(Buffer.from('[1]')) } as Pick<FileStore, 'read'>;
  const values = () => new Values(log as EventLog, files as FileStore).forDecision('run/default/r');

  it('fail it when it asks for what it has: it would ask for ever', async () => {
    const loadable = values();
    await loadable.load([{ type: 'content', hash: 'a' }]);
    await loadable.load([
      { type: 'content', hash: 'a' },
      { type: 'content', hash: 'b' },
    ]);
    await expect(loadable.load([{ type: 'content', hash: 'b' }])).rejects.toThrow('found only what is');
  });

  it('fail it when it asks for an event that the log does not have', async () => {
    await expect(values().load([{ type: 'event', version: 7 }])).rejects.toThrow(/"version":7.* found none/);
  });
});
