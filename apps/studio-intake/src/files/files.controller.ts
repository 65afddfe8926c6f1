import { Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { fileReferenceSchema, limits, type FileReference, type JsonObject } from '@ryax/contracts';
import { ArchiveError, packDirectory, soleFolderOr, withUploadedArchive, type FileStore } from '@ryax/filestore';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { NeedsScope } from '../auth.guard';
import { binaryBody } from '../binary-body';
import { InvalidRequestError, NotFoundError } from '../errors';
import { FILE_STORE } from '../tokens';
import { parseRange } from './byte-range';

const uploadQuery = z.strictObject({
  /** The base name that actions see. */
  name: fileReferenceSchema.shape.name.refine(
    (name) => !/[/\p{Cc}]/u.test(name) && name !== '.' && name !== '..',
    'expected a base name',
  ),
  /** A directory is sent as tar.gz or zip. */
  kind: fileReferenceSchema.shape.kind.default('file'),
});
const downloadQuery = z.strictObject({ name: z.string().min(1).max(255).optional() });
const fileId = z
  .string()
  .regex(/^(sha256:)?[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
  .transform((id) => id.replace(/^sha256:/, ''));

@ApiTags('files')
@Controller('v1/files')
export class FilesController {
  constructor(@Inject(FILE_STORE) private readonly files: FileStore) {}

  @Post()
  @NeedsScope('file:write')
  @ApiOperation({ summary: 'Upload a file or directory; the answer holds the value to use as an input' })
  @ApiConsumes('application/octet-stream', 'application/gzip', 'application/zip')
  async upload(
    @Query({ schema: uploadQuery }) { name, kind }: z.infer<typeof uploadQuery>,
    @Req() request: FastifyRequest,
  ): Promise<JsonObject> {
    const content = binaryBody(request);
    const { hash, size } =
      kind === 'file'
        ? await this.files.put(content, { maxBytes: limits.uploadBytes })
        : await this.storeDirectory(content);
    const value: FileReference = { $file: hash, name, size, kind };
    return { file_id: hash.replace(/^sha256:/, ''), size, value };
  }

  @Get(':id')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'Download a file, or a directory as tar; takes a byte range' })
  async download(
    @Param('id', { schema: fileId }) id: string,
    @Query({ schema: downloadQuery }) { name }: z.infer<typeof downloadQuery>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const hash = `sha256:${id}`;
    const size = await this.files.size(hash);
    if (size === undefined) throw new NotFoundError(`Expected a file ${id}, found none`);
    const range = parseRange(request.headers.range, size);
    void reply
      .header('accept-ranges', 'bytes')
      .header('etag', `"${id}"`)
      .header('content-type', 'application/octet-stream');
    if (name !== undefined)
      void reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`);
    if (range === 'unsatisfiable') {
      await reply
        .status(416)
        .header('content-range', `bytes */${size}`)
        .send({ error: `The file has ${size} bytes`, details: [] });
      return;
    }
    if (range === null) {
      await reply.header('content-length', size).send(await this.files.open(hash));
      return;
    }
    const { start, end } = range;
    void reply
      .status(206)
      .header('content-range', `bytes ${start}-${end}/${size}`)
      .header('content-length', end - start + 1);
    await reply.send(await this.files.open(hash, range));
  }

  private async storeDirectory(archive: ReturnType<typeof binaryBody>) {
    try {
      return await withUploadedArchive(archive, {}, async (unpacked) =>
        packDirectory(this.files, await soleFolderOr(unpacked)),
      );
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      throw new InvalidRequestError('Invalid archive', [{ path: '', reason: error.message }]);
    }
  }
}
