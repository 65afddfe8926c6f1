import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { UnsupportedMediaTypeError } from './errors';

/** Content types whose bodies are handed on as streams, never held in memory. */
export const binaryContentTypes = [
  'application/octet-stream',
  'application/gzip',
  'application/x-gzip',
  'application/zip',
  'application/x-tar',
  'application/x-zip-compressed',
] as const;

/** The body of an upload. */
export function binaryBody({ body }: FastifyRequest): Readable {
  if (body instanceof Readable) return body;
  throw new UnsupportedMediaTypeError(`Expected one of ${binaryContentTypes.join(', ')} as content type`);
}
