import { limits } from '@ryax/contracts';
import type { EventLog, StoredEvent } from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import { UnreadableValue } from '@ryax/workflow';
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

  it('are no more than fit into memory: what it wants beyond that is not to be read', async () => {
    const data = JSON.stringify({ outputs: { text: 'x'.repeat(limits.eventBytes) } });
    const readVersions = jest.fn((_stream: string, versions: readonly number[]) =>
      Promise.resolve(versions.map((version) => ({ version, data }) as StoredEvent)),
    );
    const read = jest.fn(() => Promise.resolve(Buffer.from('[1]')));
    const of = new Values(
      { readVersions } as Partial<EventLog> as EventLog,
      { read } as Partial<FileStore> as FileStore,
    );
    const loadable = of.forDecision('run/default/r');
    const count = 2 * (limits.valueBytes / limits.eventBytes);
    const events = Array.from({ length: count }, (_, index) => ({ type: 'event', version: index + 1 }) as const);
    await loadable.load([...events, { type: 'content', hash: 'a' }]);

    expect(loadable.event(1)).toHaveProperty('text');
    expect(loadable.event(count)).toBeInstanceOf(UnreadableValue);
    expect(loadable.content('a')).toBeInstanceOf(UnreadableValue);
    expect(readVersions).toHaveBeenCalledTimes(1);
    expect(read).not.toHaveBeenCalled();
  });
});
