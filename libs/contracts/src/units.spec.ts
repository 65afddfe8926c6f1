import { parseDurationMs, parseSizeBytes } from './units';

describe('parseDurationMs', () => {
  it.each([
    [90, 90_000],
    ['90', 90_000],
    ['250ms', 250],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1 d', 86_400_000],
    [0, 0],
  ])('reads %p as %p ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(['', 'soon', '-1s', '1w', '1h30m', '1e3', '99999d'])('does not read %p', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe('parseSizeBytes', () => {
  it.each([
    [4096, 4096],
    ['256M', 268_435_456],
    ['4G', 4_294_967_296],
    ['1.5GiB', 1_610_612_736],
    ['1KB', 1024],
    ['2T', 2_199_023_255_552],
  ])('reads %p as %p bytes', (text, bytes) => {
    expect(parseSizeBytes(text)).toBe(bytes);
  });

  it.each(['', 'much', '-1M', '4g', '99999999999T'])('does not read %p', (text) => {
    expect(parseSizeBytes(text)).toBeUndefined();
  });
});
