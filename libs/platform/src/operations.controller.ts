import { Controller, Get, Res } from '@nestjs/common';
import { Health } from './health';
import { Metrics } from './metrics';
import { answerOperations, type OperationsPath } from './operations';

/** The part of a Fastify reply that we use, so that this library needs no HTTP framework. */
interface Reply {
  status(code: number): this;
  header(name: string, value: string): this;
  send(body: string): unknown;
}

/** `/healthz`, `/readyz` and `/metrics` for a service whose REST is Nest's. */
@Controller()
export class OperationsController {
  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
  ) {}

  @Get('healthz')
  healthz(@Res() reply: Reply): Promise<void> {
    return this.answer('/healthz', reply);
  }

  @Get('readyz')
  readyz(@Res() reply: Reply): Promise<void> {
    return this.answer('/readyz', reply);
  }

  @Get('metrics')
  scrape(@Res() reply: Reply): Promise<void> {
    return this.answer('/metrics', reply);
  }

  private async answer(path: OperationsPath, reply: Reply): Promise<void> {
    const { status, contentType, body } = await answerOperations(path, this.health, this.metrics);
    reply.status(status).header('content-type', contentType).send(body);
  }
}
