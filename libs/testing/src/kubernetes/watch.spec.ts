import { useKubernetes, waitFor } from '../index';
import { ask, openStream, type Stream } from './testing/client';

const path = '/api/v1/namespaces/default/configmaps';

describe('a watch of the test API server', () => {
  const server = useKubernetes();

  const create = (name: string, labels = {}) => ask(server(), 'POST', path, { body: { metadata: { name, labels } } });
  const label = (name: string, labels: Record<string, string | null>) =>
    ask(server(), 'PATCH', `${path}/${name}`, {
      body: { metadata: { labels } },
      contentType: 'application/merge-patch+json',
    });
  const watch = (query = '') => openStream(server(), `${path}?watch=true${query}`);
  const seen = (stream: Stream) =>
    stream.events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim());

  it('begins with all there is when it names no version, or 0', async () => {
    await create('a');
    for (const query of ['', '&resourceVersion=0']) {
      const stream = await watch(query);
      await waitFor(() => seen(stream).length === 1);
      expect(seen(stream)).toEqual(['ADDED a']);
      stream.close();
    }
  });

  it('goes on from the version of a list, in order, without gap or repeat', async () => {
    await create('a');
    const { resourceVersion } = (await ask(server(), 'GET', path)).json().metadata;
    await create('b');
    await label('a', { x: '1' });
    const stream = await watch(`&resourceVersion=${resourceVersion}`);
    await ask(server(), 'DELETE', `${path}/a`);
    await waitFor(() => seen(stream).length >= 3);
    expect(seen(stream)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED a']);
    const versions = stream.events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([1, 2, 3].map((step) => Number(resourceVersion) + step));
  });

  it('shows an object whose label stops matching as DELETED, and one that begins to match as ADDED', async () => {
    await create('a', { x: '1' });
    const stream = await watch('&labelSelector=x%3D1');
    await label('a', { x: '2' });
    await label('a', { y: '1' });
    await label('a', { x: '1' });
    await waitFor(() => seen(stream).length >= 3);
    expect(seen(stream)).toEqual(['ADDED a', 'DELETED a', 'ADDED a']);
  });

  it('is silent from a version that is still to come', async () => {
    const stream = await watch(`&resourceVersion=${server().store.version + 2}`);
    for (const name of ['a', 'b', 'c']) await create(name);
    await waitFor(() => seen(stream).length > 0);
    expect([stream.code, seen(stream)]).toEqual([200, ['ADDED c']]);
  });

  it('gets bookmarks only when it asks for them', async () => {
    const asking = await watch('&allowWatchBookmarks=true&resourceVersion=0');
    const other = await watch();
    server().sendBookmarks();
    await create('a');
    await waitFor(() => seen(asking).length === 2 && seen(other).length === 1);
    expect(seen(asking)).toEqual(['BOOKMARK', 'ADDED a']);
    expect(seen(other)).toEqual(['ADDED a']);
  });

  it('marks the end of what was there when it is a watch list, as recorded', async () => {
    const query = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    await create('a');
    const stream = await watch(query);
    await waitFor(() => seen(stream).length === 2);
    expect(seen(stream)).toEqual(['ADDED a', 'BOOKMARK']);
    expect(stream.events[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('is closed in order after timeoutSeconds', async () => {
    const stream = await watch('&timeoutSeconds=1&allowWatchBookmarks=true');
    await waitFor(() => stream.state !== 'open');
    expect([stream.state, seen(stream)]).toEqual(['ended', ['BOOKMARK']]);
  });

  it('is dropped in the middle of a line', async () => {
    const stream = await watch();
    await create('a');
    await waitFor(() => seen(stream).length === 1);
    server().misbehaviour.dropWatches();
    await waitFor(() => stream.state === 'broken');
    expect(stream.text.endsWith('\n')).toBe(false);
    expect(server().openWatches).toBe(0);
  });

  it('goes silent but stays open, while a new one hears everything', async () => {
    const silent = await watch();
    server().misbehaviour.silenceWatches();
    const fresh = await watch();
    await create('a');
    await waitFor(() => seen(fresh).length === 1);
    expect([silent.state, silent.text]).toEqual(['open', '']);
  });

  it('from before an expiry is told 410, an open one goes on', async () => {
    const { resourceVersion } = (await create('a')).json().metadata;
    const stream = await watch(`&resourceVersion=${resourceVersion}`);
    await create('b');
    server().misbehaviour.expireVersions();
    await create('c');
    const late = await watch(`&resourceVersion=${resourceVersion}`);
    await waitFor(() => late.state === 'ended' && seen(stream).length === 2);
    expect(late.events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
    expect(seen(stream)).toEqual(['ADDED b', 'ADDED c']);
  });

  it('is broken when the server goes down, and has to begin anew when that is back', async () => {
    const { resourceVersion } = (await create('a')).json().metadata;
    await create('b');
    const stream = await watch();
    await server().goDown();
    await waitFor(() => stream.state === 'broken');
    await expect(create('c')).rejects.toThrow(/ECONNREFUSED/);
    await server().comeBack();
    const late = await watch(`&resourceVersion=${resourceVersion}`);
    await waitFor(() => late.state === 'ended');
    expect(late.events[0]?.object.code).toBe(410);
  });
});
