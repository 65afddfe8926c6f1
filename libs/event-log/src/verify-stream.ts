import type { EventLog } from './event-log';
import { chainHash } from './hash-chain';
import { streamPages } from './stream-pages';

export type StreamVerdict =
  | { readonly status: 'intact'; readonly version: number }
  | { readonly status: 'absent' }
  | { readonly status: 'broken'; readonly version: number; readonly reason: string };

/** Reads a whole stream and checks that versions have no gap, that hashes are chained, and that the head is the end. */
export async function verifyStream(
  log: Pick<EventLog, 'readStream' | 'readHead'>,
  streamId: string,
): Promise<StreamVerdict> {
  const head = await log.readHead(streamId);
  let version = 0;
  let hash: string | null = null;
  for await (const page of streamPages(log, streamId, { toVersion: head?.version ?? 1 })) {
    for (const event of page) {
      version += 1;
      if (event.version !== version) return broken(version, `expected this version, found ${event.version}`);
      hash = chainHash(hash, event);
      if (event.hash !== hash) return broken(version, `expected hash ${hash}, found ${event.hash}`);
    }
  }
  if (!head) return version === 0 ? { status: 'absent' } : broken(version, 'expected a head, found none');
  if (head.version !== version) return broken(version + 1, `expected events up to ${head.version}, found none`);
  return head.hash === hash
    ? { status: 'intact', version }
    : broken(version, `expected head ${hash}, found ${head.hash}`);
}

function broken(version: number, reason: string): StreamVerdict {
  return { status: 'broken', version, reason };
}
