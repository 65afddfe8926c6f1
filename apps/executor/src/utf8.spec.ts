import fc from 'fast-check';
import { decodableLength } from './utf8';

describe('utf-8 cut anywhere', () => {
  it('loses no character, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, place) => {
        const bytes = Buffer.from(text);
        const cut = bytes.subarray(0, place % (bytes.length + 1));
        const length = decodableLength(cut);
        expect(cut.length - length).toBeLessThanOrEqual(3);
        expect(bytes.toString('utf8', 0, length) + bytes.toString('utf8', length)).toBe(text);
      }),
    );
  });

  it('never waits for more than three bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const length = decodableLength(bytes);
        expect(length).toBeLessThanOrEqual(bytes.length);
        expect(bytes.length - length).toBeLessThanOrEqual(3);
      }),
    );
  });

  it.each([
    ['nothing', [], 0],
    ['a whole character', [0xe2, 0x82, 0xac], 3],
    ['two of three bytes', [0x41, 0xe2, 0x82], 1],
    ['three of four bytes', [0xf0, 0x9f, 0x98], 0],
    ['a byte that begins no character', [0xff], 1],
    ['continuations without a beginning', [0x80, 0x80, 0x80, 0x80], 4],
  ])('decodes of %s what can be decoded', (_what, bytes, length) => {
    expect(decodableLength(Uint8Array.from(bytes))).toBe(length);
  });
});
