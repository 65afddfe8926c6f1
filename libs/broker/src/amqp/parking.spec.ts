import { exchanges } from '@ryax/contracts';
import type { Wire } from '../cloud-events/wire';
import { PublishError, UnroutableError } from '../errors';
import { cutHeaders, keptHeaderBytes, park } from './parking';
import type { Publisher } from './publisher';

describe('Parking', () => {
  const target = { exchange: exchanges.dead.name, routingKey: 'key' };
  const parked = { reason: 'no', queue: 'q', tries: 2, exchange: 'ryax.runner', routingKey: 'key' };
  const wire = {
    contentType: 'text/plain',
    headers: { a: 1, large: 'x'.repeat(keptHeaderBytes) },
    content: Buffer.of(),
  };

  /** Answers each publish by the next of these. */
  function hostOf(...answers: readonly (Error | undefined)[]) {
    const sent: Wire[] = [];
    const publisher = {
      publish: (_target: unknown, one: Wire) => {
        const answer = answers[sent.push(one) - 1];
        return answer ? Promise.reject(answer) : Promise.resolve();
      },
    } as unknown as Publisher;
    const declareDead = jest.fn(() => Promise.resolve());
    return { sent, publisher, declareDead };
  }

  it('says in the reason which headers were left out, as they could not be written', async () => {
    const host = hostOf(new PublishError('unencodable', target, 'too large'), undefined);
    await park(host, wire, parked);
    expect(host.sent[1]?.headers).toEqual({
      a: 1,
      'x-ryax-reason': 'no (headers left out, as they are too large: large)',
      'x-ryax-queue': 'q',
      'x-ryax-tries': 2,
      'x-ryax-exchange': 'ryax.runner',
      'x-ryax-routing-key': 'key',
    });
  });

  it('has failed when the queue is gone again after it was declared, so that nothing is acknowledged', async () => {
    const host = hostOf(new UnroutableError(target), new UnroutableError(target));
    await expect(park(host, wire, parked)).rejects.toThrow(UnroutableError);
    expect(host.declareDead).toHaveBeenCalledTimes(1);
  });

  it('names a few of many headers', () => {
    const headers = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`h${index}`, 'x'.repeat(1_000)]));
    const { headers: kept, left } = cutHeaders(headers);
    expect(Object.keys(kept)).toHaveLength(16);
    expect(left).toBe('h10, h11, h12, h13, h14 and 19 more');
  });
});
