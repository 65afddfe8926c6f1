import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of package.json above a module, whether that runs from its source or from dist/: where `runtimes/`, `examples/` and
 * `docs/` are found. Pass `__dirname`.
 */
export function packageRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`Expected a package.json above ${from}, found none`);
  }
}
