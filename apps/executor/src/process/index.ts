export { ProcessLauncher, type ProcessLauncherOptions } from './process-launcher';
export type { Isolation, IsolationLevel } from './isolation';
