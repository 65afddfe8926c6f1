import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** Who may import whom of ours (CONTRIBUTING.md). ESLint keeps the same table while one types; this reads it off the files. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'libs/contracts': [],
  'libs/workflow': ['libs/contracts'],
  'libs/event-log': ['libs/contracts', 'libs/platform'],
  'libs/broker': ['libs/contracts', 'libs/platform'],
  'libs/filestore': ['libs/contracts', 'libs/platform'],
  'libs/yaml': ['libs/contracts'],
  'libs/platform': [],
  'libs/testing': [
    'libs/contracts',
    'libs/workflow',
    'libs/event-log',
    'libs/broker',
    'libs/filestore',
    'libs/platform',
  ],
  'apps/studio-intake': [
    'libs/contracts',
    'libs/workflow',
    'libs/broker',
    'libs/filestore',
    'libs/yaml',
    'libs/platform',
  ],
  'apps/executor': ['libs/contracts', 'libs/workflow', 'libs/broker', 'libs/filestore', 'libs/yaml', 'libs/platform'],
  'apps/state-store': [
    'libs/contracts',
    'libs/workflow',
    'libs/event-log',
    'libs/broker',
    'libs/filestore',
    'libs/platform',
  ],
  'apps/runner': [
    'libs/contracts',
    'libs/workflow',
    'libs/event-log',
    'libs/broker',
    'libs/filestore',
    'libs/platform',
  ],
  'apps/standalone': [
    'apps/studio-intake',
    'apps/runner',
    'apps/executor',
    'apps/state-store',
    'libs/broker',
    'libs/event-log',
    'libs/filestore',
    'libs/platform',
  ],
  'apps/cli': ['libs/contracts', 'libs/yaml'],
};

/** Packages that only these folders may import, beside specs. */
const homes: Readonly<Record<string, readonly string[]>> = {
  amqplib: ['libs/broker/'],
  typeorm: ['libs/event-log/', 'apps/state-store/'],
  pg: ['libs/event-log/', 'apps/state-store/', 'libs/testing/'],
  '@kubernetes/client-node': ['apps/executor/src/kubernetes/'],
  'js-yaml': ['libs/yaml/'],
};

const pure = ['libs/contracts', 'libs/workflow'];
const packagesOfPure = ['zod', '@marcbachmann/cel-js'];
const readersOfEnvironment = ['libs/platform/src/config.ts', 'libs/testing/'];

const root = join(__dirname, '..');

interface SourceFile {
  readonly path: string;
  /** `libs/broker`, `apps/runner`. */
  readonly element: string;
  readonly isSpec: boolean;
  readonly text: string;
  readonly imports: readonly string[];
}

const files = ['apps', 'libs'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => readSource(`${folder}/${path.replaceAll('\\', '/')}`)),
);
const product = files.filter(({ isSpec, element }) => !isSpec && element !== 'libs/testing');

describe('the architecture', () => {
  it('is spread over known elements only', () => {
    expect([...new Set(files.map(({ element }) => element))].filter((element) => !(element in mayImport))).toEqual([]);
  });

  it('has elements that import of ours only what the table allows', () => {
    const faults = files.flatMap((file) =>
      elementsImportedBy(file)
        .filter((target) => !isAllowed(file, target))
        .map((target) => `${file.path} imports ${target}`),
    );
    expect(faults).toEqual([]);
  });

  it('has libs that are entered by their index only', () => {
    const faults = files.flatMap((file) =>
      file.imports
        .filter((specifier) => {
          const target = elementOf(file, specifier);
          const isForeignLib = target !== undefined && target !== file.element && target.startsWith('libs/');
          return isForeignLib && !/^@ryax\/[a-z-]+$/.test(specifier);
        })
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(faults).toEqual([]);
  });

  it('has indexes that only re-export', () => {
    const faults = product
      .filter(({ path }) => /^libs\/[a-z-]+\/src\/index\.ts$/.test(path))
      .filter(({ path, text }) => !parse(path, text).statements.every(ts.isExportDeclaration))
      .map(({ path }) => path);
    expect(faults).toEqual([]);
  });

  it('has no cycles', () => {
    const edges = new Map(Object.keys(mayImport).map((element) => [element, new Set<string>()]));
    for (const file of product) elementsImportedBy(file).forEach((target) => edges.get(file.element)?.add(target));
    expect(cycleIn(edges)).toBeUndefined();
  });

  it('keeps each of these packages in its home', () => {
    const faults = files.flatMap((file) =>
      file.imports
        .map(packageOf)
        .filter((name) => name in homes && !file.isSpec && !homes[name]?.some((home) => file.path.startsWith(home)))
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(faults).toEqual([]);
  });

  it('reads the environment in one place', () => {
    const faults = product
      .filter(({ path }) => !readersOfEnvironment.some((reader) => path.startsWith(reader)))
      .filter(({ path, text }) => mentions(path, text, isEnvironment))
      .map(({ path }) => path);
    expect(faults).toEqual([]);
  });

  describe('of the pure libs', () => {
    const core = product.filter(({ element }) => pure.includes(element));

    it('imports nothing but its few packages', () => {
      const faults = core.flatMap((file) =>
        file.imports
          .filter((specifier) => elementOf(file, specifier) === undefined)
          .filter((specifier) => isBuiltin(specifier) || !packagesOfPure.includes(packageOf(specifier)))
          .map((specifier) => `${file.path} imports ${specifier}`),
      );
      expect(faults).toEqual([]);
    });

    it('has no clock, no chance, no waiting', () => {
      const faults = core.filter(({ path, text }) => mentions(path, text, isImpure)).map(({ path }) => path);
      expect(faults).toEqual([]);
    });
  });
});

describe('the check of the architecture', () => {
  it.each([
    'Date.now()',
    'new Date()',
    'Math.random()',
    'setTimeout(f, 1)',
    'async () => 1',
    'process.pid',
    "import('zod')",
  ])('takes %s for impure', (text) => {
    expect(mentions('x.ts', text, isImpure)).toBe(true);
  });

  it.each(['new Date(ms)', 'Math.floor(x)', 'state.process', '// async Date.now()', "'setTimeout'"])(
    'takes %s for pure',
    (text) => {
      expect(mentions('x.ts', text, isImpure)).toBe(false);
    },
  );

  it('finds a cycle with its path', () => {
    const edges = new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['c'])],
      ['c', new Set(['b'])],
    ]);
    expect(cycleIn(edges)).toEqual(['b', 'c', 'b']);
  });
});

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const element = path.split('/').slice(0, 2).join('/');
  const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  return { path, element, isSpec: isOfSpecs(path), text, imports };
}

/** Specs, and what only they use: `testing` folders and suites that several implementations pass. */
function isOfSpecs(path: string): boolean {
  return /\.(spec|contract)\.ts$/.test(path) || /\/src\/(.+\/)?(testing|conformance)\//.test(path);
}

/** The element of ours that an import leads to; undefined for packages. */
function elementOf(file: SourceFile, specifier: string): string | undefined {
  if (specifier.startsWith('@ryax/')) return `libs/${specifier.split('/')[1]}`;
  if (!specifier.startsWith('.')) return undefined;
  return relative(root, resolve(root, dirname(file.path), specifier))
    .replaceAll('\\', '/')
    .split('/')
    .slice(0, 2)
    .join('/');
}

function elementsImportedBy(file: SourceFile): string[] {
  const targets = file.imports.map((specifier) => elementOf(file, specifier));
  return [...new Set(targets)].filter((target) => target !== undefined && target !== file.element) as string[];
}

function isAllowed({ element, isSpec }: SourceFile, target: string): boolean {
  if (target === 'libs/testing') return isSpec;
  return mayImport[element]?.includes(target) ?? false;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
}

function mentions(path: string, text: string, matches: (node: ts.Node) => boolean): boolean {
  const visit = (node: ts.Node): boolean => matches(node) || (ts.forEachChild(node, visit) ?? false);
  return visit(parse(path, text));
}

const impureCalls = ['Date.now', 'Math.random', 'performance.now', 'crypto.randomUUID'];
const impureNames = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'process',
  'fetch',
  'require',
  'Promise',
];

function isImpure(node: ts.Node): boolean {
  if (node.kind === ts.SyntaxKind.AsyncKeyword || node.kind === ts.SyntaxKind.AwaitKeyword) return true;
  if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && !node.arguments?.length;
  if (ts.isPropertyAccessExpression(node)) return impureCalls.includes(node.getText());
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(node) && impureNames.includes(node.text) && isValue(node);
}

/** Not the name behind a dot, of a key, or of a type. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return ts.isCallExpression(parent) || ts.isNewExpression(parent) || ts.isElementAccessExpression(parent);
}

function isEnvironment(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.getText() === 'process.env';
}

/** The first cycle as a path that ends where it began. */
function cycleIn(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const follow = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of edges.get(node) ?? []) {
      const cycle = follow(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of edges.keys()) {
    const cycle = follow(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}
