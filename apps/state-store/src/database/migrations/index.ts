import { CreateReadModels } from './0001-create-read-models';
import { CreateDeadLetters } from './0002-create-dead-letters';

/** In order, each once, forward only. A released one is never changed. */
export const migrations = [CreateReadModels, CreateDeadLetters];
