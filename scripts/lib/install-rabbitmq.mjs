import { canInstallDebianPackages, installDebianPackage } from './debian-packages.mjs';
import { findRabbitMq } from './rabbitmq.mjs';

/** Answers the path of a RabbitMQ server, after installing it where that is possible; throws with what to do where not. */
export async function ensureRabbitMq() {
  const found = findRabbitMq();
  if (found) return found;
  if (!canInstallDebianPackages()) {
    throw new Error(
      [
        'RabbitMQ is missing, and only root on Debian or Ubuntu can have it installed by this script. Either',
        '  - install it:  sudo apt-get install rabbitmq-server   (macOS: brew install rabbitmq), or',
        '  - give one:    RYAX_BROKER=amqp://user:password@host:5672/ (with its management plugin) in the environment.',
      ].join('\n'),
    );
  }
  console.log('Installing rabbitmq-server (Debian package)…');
  await installDebianPackage('rabbitmq-server');
  const installed = findRabbitMq();
  if (!installed) throw new Error('rabbitmq-server was installed, but its program was not found');
  return installed;
}
