import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { limits, type Fault } from '@ryax/contracts';
import { Log } from '@ryax/platform';
import type { FastifyError, FastifyReply, FastifyServerOptions } from 'fastify';
import { AuthGuard } from './auth.guard';
import { binaryContentTypes } from './binary-body';
import { answerTo, ErrorFilter } from './error.filter';
import { InvalidRequestError, OverloadedError } from './errors';
import type { IntakeOptions } from './intake.config';
import { BodyGate } from './load/body-gate';
import { RouteTable } from './route-table';
import { INTAKE_OPTIONS } from './tokens';

const yamlContentTypes = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/vnd.yaml'];

export const fastifyOptions: FastifyServerOptions = {
  frameworkErrors: refuseEarly,
  bodyLimit: limits.bodyBytes,
  forceCloseConnections: true,
  routerOptions: { maxParamLength: 512 },
};

/** What Fastify refuses before any route is known, in the same shape as everything else. */
function refuseEarly(error: FastifyError, _request: unknown, { raw }: Pick<FastifyReply, 'raw'>): void {
  raw.writeHead(error.statusCode ?? 400, { 'content-type': 'application/json; charset=utf-8' });
  raw.end(JSON.stringify({ error: error.message, details: [] }));
}

/** Everything that makes an application speak our REST: bodies, validation, errors, tokens, OpenAPI at `/docs`. */
export function prepareRest(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  const routes = new RouteTable();
  fastify.addHook('onRoute', ({ method, url }) => routes.add(method, url));
  fastify.addHook('onRequest', (request, reply, done) => {
    const allowed = routes.allowedInstead(request.method, request.url);
    if (allowed.length === 0) return done();
    const error = `This path takes ${allowed.join(', ')}, found ${request.method}`;
    void reply.status(405).header('allow', allowed.join(', ')).send({ error, details: [] });
  });
  const { bodyBytesInFlight } = app.get<IntakeOptions>(INTAKE_OPTIONS).limits;
  const gate = new BodyGate(bodyBytesInFlight);
  fastify.addHook('onRequest', (request, reply, done) => {
    if (gate.enter(request, reply)) return done();
    const { status, body } = answerTo(new OverloadedError('bodyBytesInFlight', bodyBytesInFlight, 1), app.get(Log));
    // What it sends is not read: the connection is of no more use.
    void reply.status(status).headers({ 'retry-after': '1', connection: 'close' }).send(body);
  });
  // Fastify reads plain text by itself; no route of ours takes it.
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser(yamlContentTypes, { parseAs: 'string' }, (_request, body, done) => done(null, body));
  fastify.addContentTypeParser([...binaryContentTypes], (_request, payload, done) => done(null, payload));
  app.useGlobalPipes(new RequestValidationPipe());
  app.useGlobalFilters(new ErrorFilter(app.get(Log)));
  app.useGlobalGuards(app.get(AuthGuard));
  SwaggerModule.setup('docs', app, () => openApiOf(app), { jsonDocumentUrl: 'docs/openapi.json' });
}

export function openApiOf(app: NestFastifyApplication) {
  const config = new DocumentBuilder()
    .setTitle('Ryax Runner')
    .setDescription('Deploy workflows, run them, and see what became of them.')
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth()
    .build();
  return SwaggerModule.createDocument(app, config);
}

/**
 * Nest's own pipe, but for one thing: it removes keys named `constructor` and `prototype` at any depth. Those are data like
 * any other (a column of a table may be called so), and we never merge what we are sent into objects of ours.
 */
class RequestValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: invalidRequest });
  }

  protected override stripProtoKeys(): void {
    return;
  }
}

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Every fault of a body or query, each at its path. */
function invalidRequest(issues: readonly Issue[]): InvalidRequestError {
  const details = issues.map<Fault>(({ message, path = [] }) => ({
    path: path.map(segment).join('.'),
    reason: message,
  }));
  return new InvalidRequestError('Invalid request', details);
}

function segment(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part);
}
