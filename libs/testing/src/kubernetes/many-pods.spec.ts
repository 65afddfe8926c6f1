import { useKubernetes, waitFor } from '../index';
import type { Pod } from './objects';
import { ask, createPod, openStream, podsPath, shellPod } from './testing/client';

const count = 200;
const atOnce = 20;
/** Each pod is a process, and the machine may be busy with something else. */
const patienceMs = 120_000;

describe('many pods at once', () => {
  const server = useKubernetes();

  it(
    'are all seen to their ends by one watch, in order',
    async () => {
      const stream = await openStream(
        server(),
        `${podsPath}?watch=true&allowWatchBookmarks=true&labelSelector=app%3Dmany`,
      );
      const names = Array.from({ length: count }, (_, index) => `p${index}`);
      for (let from = 0; from < count; from += atOnce) {
        const some = names.slice(from, from + atOnce);
        await Promise.all(
          some.map((name) => createPod(server(), shellPod(name, 'echo hi', { labels: { app: 'many' } }))),
        );
      }
      await waitFor(
        () =>
          server()
            .pods()
            .every(({ status }) => status.phase === 'Succeeded'),
        { timeoutMs: patienceMs },
      );
      const { resourceVersion } = (await ask(server(), 'GET', podsPath)).json().metadata;
      server().sendBookmarks();
      await waitFor(() => stream.text.includes(`"metadata":{"resourceVersion":"${resourceVersion}"}`));
      stream.close();
      const { events } = stream;
      const phases = new Map(
        events.map(({ object }) => [object.metadata.name, (object as unknown as Pod).status?.phase]),
      );
      expect(names.filter((name) => phases.get(name) !== 'Succeeded')).toEqual([]);
      const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
    },
    2 * patienceMs,
  );
});
