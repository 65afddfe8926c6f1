import { messageSchemas, type Message } from '@ryax/contracts';
import { message, positionOf } from '../conformance/subject';
import { decode } from './decode';
import { encodeOne } from './encode';
import { toStructured, type Wire } from './wire';

const target = { exchange: 'ryax.runner', routingKey: 'p0' } as const;

describe('a CloudEvent as message', () => {
  it('takes what other producers write: structured mode, the other prefix, no project', () => {
    const attributes = { specversion: '1.0', id: '1', type: 'tech.ryax.log.wake.v1', source: '/elsewhere' };
    const structured: Wire = {
      contentType: 'application/cloudevents+json; charset=utf-8',
      headers: {},
      content: Buffer.from(JSON.stringify({ ...attributes, extra: 'ignored', data: { position: 1 } })),
    };
    const prefixed: Wire = {
      contentType: 'application/json',
      headers: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`cloudEvents_${name}`, value])),
      content: Buffer.from('{"position":1}'),
    };
    const expected = { id: '1', type: 'log.wake', source: '/elsewhere', project: 'default', data: { position: 1 } };

    expect(decode(structured)).toEqual([{ type: 'message', message: expected }]);
    expect(decode(prefixed)).toEqual([{ type: 'message', message: expected }]);
  });

  describe('whatever is in a message', () => {
    const batch = (content: Buffer): Wire => ({
      contentType: 'application/cloudevents-batch+json',
      headers: {},
      content,
    });
    const deep = Buffer.from('['.repeat(8_000) + ']'.repeat(8_000));
    const reason = 'expected at most 1000 levels of nesting (messageDepth)';

    it('takes a value as deep as the engine bears', () => {
      const inputs = Buffer.from(`{"workflow_id":"w","inputs":{"j":${'['.repeat(900)}${']'.repeat(900)}}}`);
      const { headers } = encodeOne({ ...message(7), type: 'command.run.start' }, target);

      expect(decode({ contentType: 'application/json', headers, content: inputs })).toMatchObject([
        { type: 'message' },
      ]);
    });

    it.each(['application/json', 'application/cloudevents+json'])('keeps what is too deep as it came: %s', (type) => {
      const wire = { ...encodeOne(message(7), target), contentType: type, content: deep };

      expect(decode(wire)).toEqual([{ type: 'malformed', reason, wire }]);
    });

    it('tells what is too deep from what it is packed with, with the bytes and the request that are its own', () => {
      const [first, last] = [message(1), message(2)].map((each) => JSON.stringify(toStructured(each)));
      // No UTF-8: it would be another if it were written again.
      const odd = Buffer.concat([
        Buffer.from('{"correlationid": "c", "a":"'),
        Buffer.from([0xff]),
        Buffer.from('","data":'),
      ]);
      const event = Buffer.concat([odd, deep, Buffer.from('}')]);

      const items = decode(batch(Buffer.concat([Buffer.from(`[${first},`), event, Buffer.from(`,${last}]`)])));

      const wire = { contentType: 'application/cloudevents+json', headers: {}, content: event };
      expect(items).toMatchObject([
        { message: { data: { position: 1 } } },
        { type: 'malformed', reason, wire, correlationId: 'c' },
        { message: { data: { position: 2 } } },
      ]);
    });

    it('keeps a batch that is nothing but deep', () => {
      expect(decode(batch(deep))).toEqual([
        {
          type: 'malformed',
          reason,
          wire: {
            contentType: 'application/cloudevents+json',
            headers: {},
            content: deep.subarray(1, -1),
          },
        },
      ]);
    });

    it('is kept with what was thrown where reading it fails in a way that nobody has thought of', () => {
      const headers = Object.defineProperty({}, 'cloudEvents:id', {
        enumerable: true,
        get: () => {
          throw new Error('nobody has thought of it');
        },
      });
      const wire: Wire = { contentType: 'application/json', headers, content: Buffer.from('{}') };

      const [item] = decode(wire);

      expect(item).toMatchObject({ type: 'malformed', reason: expect.stringContaining('nobody has thought of it') });
      expect(item?.type === 'malformed' && item.wire).toBe(wire);
    });

    describe('where reading it fails in a way that nobody has thought of', () => {
      const reason = 'expected what can be read, found what fails with: nobody has thought of it';

      beforeEach(() => {
        const schema = messageSchemas['log.wake'];
        const read = schema.safeParse.bind(schema);
        jest.spyOn(schema, 'safeParse').mockImplementation((data, params) => {
          if (positionOf({ data } as Message) === 2) throw new Error('nobody has thought of it');
          return read(data, params);
        });
      });
      afterEach(() => jest.restoreAllMocks());

      it('is told from what it is packed with, with the bytes and the request that are its own', () => {
        const [first, second, last] = [1, 2, 3].map((position) =>
          JSON.stringify({ ...toStructured(message(position)), correlationid: `c${position}` }),
        );
        // Not as we would write it again.
        const odd = ` ${second} `;

        expect(decode(batch(Buffer.from(`[${first},${odd},${last}]`)))).toMatchObject([
          { message: { data: { position: 1 } }, correlationId: 'c1' },
          {
            type: 'malformed',
            reason,
            wire: { contentType: 'application/cloudevents+json', headers: {}, content: Buffer.from(odd) },
            correlationId: 'c2',
          },
          { message: { data: { position: 3 } }, correlationId: 'c3' },
        ]);
      });

      it.each(['cloudEvents:', 'cloudEvents_'])('names the request that its headers name: %s', (prefix) => {
        const { headers, ...wire } = encodeOne(message(2), target);
        const asked = { ...wire, headers: { ...headers, [`${prefix}correlationid`]: 'c' } };

        expect(decode(asked)).toEqual([{ type: 'malformed', reason, wire: asked, correlationId: 'c' }]);
      });
    });
  });
});
