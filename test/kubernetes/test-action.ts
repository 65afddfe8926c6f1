import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import { LocalFileStore, packDirectory } from '@ryax/filestore';
import type { Launch } from '../../apps/executor/src/launcher';
import { describeWithPython } from '../../apps/executor/src/process/testing/launcher-fixture';
import { TestSite, type SiteOptions } from './site';
import { isReal } from './target';

/** Skipped by name in a cluster, which would have to find their images in a registry, and where there is no python3 to run them by. */
export const describeHandlers = isReal ? describe.skip : describeWithPython;

const runtimes = join(__dirname, '../../runtimes');
export const repository = 'registry.test/actions';

const python = `
import os, pathlib, shutil, subprocess, time

class RyaxException(Exception):
    def __init__(self, message, code):
        super().__init__(message)
        self.message = message
        self.code = code

def handle(inputs):
    what = inputs['what']
    if what == 'wait':
        # Before it says that it has begun: who hears that removes the flag.
        pathlib.Path(inputs['flag'] + '.pid').write_text(str(os.getppid()))
        pathlib.Path(inputs['flag']).write_text('runs')
    print('begun ' + what, flush=True)
    if what == 'refuse':
        raise RyaxException('no such station', 404)
    if what == 'crash':
        os._exit(7)
    if what == 'wait':
        while pathlib.Path(inputs['flag']).exists():
            time.sleep(0.02)
    if what == 'pid':
        return {'answer': str(os.getpid()), 'copy': __file__}
    if what == 'secret':
        print('the password is ' + inputs['password'], flush=True)
    if what == 'tools':
        shutil.copytree(inputs['tools'], inputs['flag'])
        said = subprocess.run([inputs['tools'] + '/bin/say'], stdout=subprocess.PIPE, check=True).stdout.decode()
        return {'answer': said.strip(), 'tools': inputs['flag']}
    # Other pods have this folder, too: they are processes of one machine.
    folder = pathlib.Path(__file__).parent.parent / str(os.getpid())
    folder.mkdir(exist_ok=True)
    out = folder / (inputs['name'] + '.txt')
    if inputs['rows']:
        out.write_text(pathlib.Path(inputs['rows']).read_text().upper())
    else:
        out.write_text(what)
    return {'answer': what.upper(), 'copy': out}
`;

const metadata = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Processor',
  spec: {
    id: 'answer',
    version: '1.0',
    human_name: 'Answer',
    type: 'python3',
    inputs: [
      declare('what', 'string'),
      declare('name', 'string'),
      declare('flag', 'string', { optional: true }),
      declare('rows', 'file', { optional: true }),
      declare('password', 'password', { optional: true }),
      declare('tools', 'directory', { optional: true }),
    ],
    outputs: [
      declare('answer', 'string'),
      declare('copy', 'file', { optional: true }),
      declare('tools', 'directory', { optional: true }),
    ],
  },
};

function declare(name: string, type: string, more: object = {}) {
  return { name, type, human_name: name, help: name, ...more };
}

/** A handler whose image a site has: a test server runs it from its folder. Closed with its sites. */
export class TestAction {
  private readonly sites: TestSite[] = [];

  private constructor(
    readonly folder: string,
    readonly hash: string,
  ) {}

  static async publish(code = python): Promise<TestAction> {
    const folder = await mkdtemp(join(tmpdir(), 'ryax-action-'));
    const content = { 'ryax_handler.py': code, 'ryax_metadata.yaml': JSON.stringify(metadata) };
    for (const [name, text] of Object.entries(content)) {
      await mkdir(dirname(join(folder, 'action', name)), { recursive: true });
      await writeFile(join(folder, 'action', name), text);
    }
    const { hash } = await packDirectory(await LocalFileStore.open(join(folder, 'files')), join(folder, 'action'));
    return new TestAction(folder, hash);
  }

  /** @param others whose images it has, too */
  async site({ site, server, executor }: SiteOptions = {}, others: readonly TestAction[] = []): Promise<TestSite> {
    const actions = [this, ...others];
    const images = Object.assign({}, ...actions.map((action) => action.images)) as TestAction['images'];
    const opened = await TestSite.open({
      site: { actionImages: repository, ...site },
      server: { images, ...server },
      ...(executor && { executor }),
    });
    this.sites.push(opened);
    for (const { folder } of actions) await packDirectory(opened.files, join(folder, 'action'));
    return opened;
  }

  launch(site: TestSite, inputs: JsonObject, fields: Partial<Omit<Launch, 'action'>> = {}): Launch {
    return site.launch('', { ...fields, action: { type: 'handler', content_hash: this.hash }, inputs });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async close(): Promise<void> {
    await Promise.all(this.sites.map((site) => site.close()));
    // What was cancelled may be writing its last.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** What a test server runs for its image. */
  get images() {
    const command = ['python3', join(runtimes, 'python3', 'server.py')];
    const program = { command, env: { RYAX_ACTION_DIR: join(this.folder, 'action') } };
    return { [`${repository}:${this.hash.replace('sha256:', '')}`]: program };
  }

  /** Its folder as it is uploaded, tar and gzip. */
  get archive(): Buffer {
    return execFileSync('tar', ['-czf', '-', '-C', join(this.folder, 'action'), '.']);
  }
}
