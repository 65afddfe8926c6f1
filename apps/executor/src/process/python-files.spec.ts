import type { FileReference } from '@ryax/contracts';
import { describeWithPrivateTmp, describeWithPython, LauncherFixture } from './testing/launcher-fixture';

describeWithPython('files of a Python handler', () => {
  describeWithPrivateTmp('under a private /tmp', () => {
    it('may be returned as paths of pathlib, at fixed names, by many at once', async () => {
      const fixture = await LauncherFixture.open();
      const hash = await fixture.action({
        type: 'python3',
        code: `
import pathlib, time
def handle(inputs):
    out = pathlib.Path('/tmp/outfile.txt')
    assert not out.exists()
    out.write_text(inputs['x'])
    time.sleep(0.02)
    return {'f': out}
`,
        inputs: { x: 'string' },
        outputs: { f: 'file' },
      });
      const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);

      const outputs = await Promise.all(texts.map((x) => fixture.outputsOf(hash, { x })));
      const contents = await Promise.all(outputs.map(({ f }) => fixture.files.read((f as FileReference).$file)));

      expect(contents.map(String)).toEqual(texts);
      await fixture.close();
      // Twenty interpreters begin at once.
    }, 120_000);
  });
});
