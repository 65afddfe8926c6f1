import { json } from '../testing/fake-engine';
import { ryax } from '../testing/ryax';

const half = { rebuilding: true, position: 50, last_position: 100 };

describe('admin rebuild', () => {
  it('says how far it is, and ends when the new read models have taken over', async () => {
    const routes = {
      'POST /v1/admin/rebuild': json(half, 202),
      'GET /v1/admin/rebuild': json({ rebuilding: false, position: 100, last_position: 100 }),
    };
    expect(await ryax(routes, 'admin', 'rebuild')).toMatchObject({
      status: 0,
      out: 'The read models were rebuilt\n',
      notes: 'Rebuilding the read models: 50 % of 100 positions\n',
    });
  });

  it('does not wait when told so', async () => {
    const routes = { 'POST /v1/admin/rebuild': json(half, 202) };
    const { out, asked } = await ryax(routes, 'admin', 'rebuild', '--no-wait');
    expect(out).toBe('The read models are being rebuilt\n');
    expect(asked).toHaveLength(1);
  });
});
