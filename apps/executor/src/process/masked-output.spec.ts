import { RecordedLog } from './testing/launcher-fixture';
import { MaskedOutput, maskText } from './masked-output';

/** What comes out when the text is written in pieces of this many bytes. */
function masked(text: string, secrets: string[], pieceBytes: number): string {
  const log = new RecordedLog();
  const output = new MaskedOutput(log, secrets);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) output.write(bytes.subarray(at, at + pieceBytes));
  output.flush();
  return log.text;
}

describe('masked output', () => {
  it.each([1, 2, 3, 5, 7, 1000])('is the same in pieces of %d bytes', (pieceBytes) => {
    const text = 'token=sesame sesamesesame öffne-dich sesam';

    expect(masked(text, ['sesame', 'öffne-dich'], pieceBytes)).toBe('token=**** ******** **** sesam');
  });

  it('prefers the longer of two secrets that begin alike', () => {
    expect(masked('sesame-open sesame', ['sesame', 'sesame-open'], 1000)).toBe('**** ****');
  });

  it('holds back only what may become a secret', () => {
    const log = new RecordedLog();
    const output = new MaskedOutput(log, ['sesame']);

    output.write(Buffer.from('ready> '));
    expect(log.text).toBe('ready> ');
    output.write(Buffer.from('se'));
    expect(log.text).toBe('ready> ');
    output.write(Buffer.from('ven'));
    expect(log.text).toBe('ready> seven');
  });

  it('leaves very short secrets alone, which would mask ordinary text', () => {
    expect(masked('a cat sat', ['a', 'at'], 1000)).toBe('a cat sat');
  });

  it('is what a text becomes, too', () => {
    expect(maskText('"quo\\"ted" and quo"ted', ['quo"ted'])).toBe('"****" and ****');
  });
});
