import type { EventLog, StoredEvent, StreamRange } from './event-log';

/** All events of a stream, page by page, each page in version order and none empty. */
export async function* streamPages(
  log: Pick<EventLog, 'readStream'>,
  streamId: string,
  { fromVersion = 1, ...range }: StreamRange = {},
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  for (let next = fromVersion; ;) {
    const page = await log.readStream(streamId, { ...range, fromVersion: next });
    const last = page.at(-1);
    if (!last) return;
    yield page;
    next = last.version + 1;
  }
}
