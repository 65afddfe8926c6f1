import { AmqpBroker } from '@ryax/broker';
import { LocalFileStore } from '@ryax/filestore';
import { loadConfig, Log, runService } from '@ryax/platform';
import { join } from 'node:path';
import { stateStoreConfigSchema, stateStoreOptions } from './state-store.config';
import { StateStoreModule } from './state-store.module';

void runService('state-store', async () => {
  const config = loadConfig(stateStoreConfigSchema);
  const log = new Log({ service: 'state-store', level: config.RYAX_LOG_LEVEL });
  const broker = new AmqpBroker({ url: config.RYAX_BROKER, name: 'ryax-state-store', log });
  const files = await LocalFileStore.open(join(config.RYAX_DATA_DIR, 'files'));
  const options = stateStoreOptions(config);
  return {
    log,
    healthPort: config.RYAX_HEALTH_PORT,
    module: StateStoreModule.forRoot({ broker, files, datastoreUrl: config.RYAX_DATASTORE, options }),
    close: () => broker.close(),
  };
});
