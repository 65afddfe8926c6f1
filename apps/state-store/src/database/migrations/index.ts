import { CreateReadModels } from './0001-create-read-models';

/** In order, each once, forward only. A released one is never changed. */
export const migrations = [CreateReadModels];
