// npm run build: compiles everything into dist/, and remembers from which sources.
import { build } from './lib/build.mjs';

try {
  await build();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
