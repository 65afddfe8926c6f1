import { json } from '../testing/fake-engine';
import { ryax } from '../testing/ryax';

const letter = {
  id: 'abc',
  parked_at: '2026-01-01T00:00:00.000Z',
  times: 1,
  reason: 'expected JSON,\nfound something else',
  queue: 'ryax.runner.16.7',
  exchange: 'ryax.runner',
  routing_key: 'p7',
  tries: 5,
  message_id: 'm1',
  message_type: 'tech.ryax.run.start.v1',
  source: 'studio-intake',
  subject: 'run:default:r1',
  bytes: 2,
};
const shown = { ...letter, content_type: 'text/plain', headers: { a: 1 }, body: '{', body_encoding: 'utf8' };

describe('dead-letters', () => {
  it('lists them with their errors, a line for each', async () => {
    const route = json({ items: [letter], next_cursor: 'x' });
    const { status, out, notes, asked } = await ryax({ 'GET /v1/dead-letters': route }, 'dead-letters', 'list');

    expect(status).toBe(0);
    expect(out.split('\n').slice(1)).toEqual([
      'abc     2026-01-01 00:00:00  run.start.v1  ryax.runner.16.7  expected JSON, found something else',
      '',
    ]);
    expect(notes).toContain('There are more');
    expect(asked[0]?.path).toBe('/v1/dead-letters?limit=20');
  });

  it('says so when there are none', async () => {
    const route = json({ items: [], next_cursor: null });
    expect(await ryax({ 'GET /v1/dead-letters': route }, 'dead-letters', 'list')).toMatchObject({
      status: 0,
      out: '',
      notes: 'No dead letters\n',
    });
  });

  it('shows one with where it came from, its error, its headers and its body', async () => {
    const route = json({ ...shown, truncated: true });
    const { out } = await ryax({ 'GET /v1/dead-letters/abc': route }, 'dead-letters', 'show', 'abc');

    expect(out).toContain('error      expected JSON, found something else');
    expect(out).toContain('published  to ryax.runner with key p7');
    expect(out).toContain('headers    {"a":1}');
    expect(out).toContain('body       2 B, text/plain, its beginning only\n{\n');
  });

  it('replays and drops several, one after the other, and stops at what is not there', async () => {
    const routes = {
      'POST /v1/dead-letters/a/replay': json({ id: 'a', exchange: 'ryax.runner', routing_key: 'p7' }),
      'DELETE /v1/dead-letters/a': json(undefined, 204),
      'DELETE /v1/dead-letters/b': json({ error: 'Expected a dead letter b, found none', details: [] }, 404),
    };

    const replayed = await ryax(routes, 'dead-letters', 'replay', 'a');
    const dropped = await ryax(routes, 'dead-letters', 'drop', 'a', 'b', 'a');

    expect(replayed).toMatchObject({ status: 0, out: 'Replayed a to ryax.runner with key p7\n' });
    expect(dropped).toMatchObject({ status: 2, out: 'Dropped a\n' });
    expect(dropped.notes).toContain('Expected a dead letter b, found none');
    expect(dropped.asked).toHaveLength(2);
  });
});
