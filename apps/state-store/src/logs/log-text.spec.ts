import type { StoredChunk } from './log-chunks';
import { joinChunks } from './log-text';

function chunk(offset: number, text: string, options: Partial<StoredChunk> = {}): StoredChunk {
  const content = Buffer.from(text);
  return { offset, bytes: content.length, content, isEnd: false, isSettled: false, ...options };
}

const all = 1_000_000;

describe('joinChunks', () => {
  it('joins chunks in order and is complete at the end of the log', () => {
    const chunks = [chunk(0, 'one\n'), chunk(4, 'two\n'), chunk(8, '', { isEnd: true })];
    expect(joinChunks(chunks, 0, all)).toEqual({ text: 'one\ntwo\n', nextOffset: 8, complete: true });
  });

  it('goes on from where a reader has stopped, inside a chunk too', () => {
    expect(joinChunks([chunk(0, 'one\ntwo\n'), chunk(8, 'three')], 4, all)).toEqual({
      text: 'two\nthree',
      nextOffset: 13,
      complete: false,
    });
  });

  it('says that a log is complete to a reader who has read all of it', () => {
    expect(joinChunks([chunk(0, 'one', { isEnd: true })], 3, all)).toEqual({ text: '', nextOffset: 3, complete: true });
  });

  it('waits before a missing chunk that may still come', () => {
    expect(joinChunks([chunk(0, 'one\n'), chunk(8, 'three\n')], 0, all)).toEqual({
      text: 'one\n',
      nextOffset: 4,
      complete: false,
    });
  });

  it('names and passes over a chunk that will not come any more', () => {
    const chunks = [chunk(0, 'one\n'), chunk(8, 'three\n', { isSettled: true, isEnd: true })];
    expect(joinChunks(chunks, 0, all)).toEqual({
      text: 'one\n\n[4 bytes of output were lost]\nthree\n',
      nextOffset: 14,
      complete: true,
    });
  });

  it('cuts at the limit, but never inside a character', () => {
    const chunks = [chunk(0, 'aé😀z')];
    const read = [];
    for (let offset = 0; offset < 8;) {
      const { text, nextOffset } = joinChunks(chunks, offset, 2);
      read.push(text);
      offset = nextOffset;
    }
    expect(read).toEqual(['a', 'é', '😀', 'z']);
  });

  it('skips the rest of a character that an offset points into', () => {
    expect(joinChunks([chunk(0, 'é!')], 1, all).text).toBe('!');
  });

  it('gives a chunk whole whose bytes were no UTF-8', () => {
    const replaced = chunk(0, '\ufffd\n', { bytes: 2 });
    expect(joinChunks([replaced, chunk(2, 'on')], 0, all)).toEqual({
      text: '\ufffd\non',
      nextOffset: 4,
      complete: false,
    });
  });
});
