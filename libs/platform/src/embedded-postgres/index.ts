export { DirectoryInUse, takeDirectory } from './directory-lock';
export * from './server';
