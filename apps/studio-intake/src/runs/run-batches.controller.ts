import { Body, Controller, Headers, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { faultSchema } from '@ryax/contracts';
import { z } from 'zod';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { batchBody, batchKey } from './batch-request';
import { RunBatches, type BatchItemAnswer } from './run-batches.service';

const acceptedItem = z.object({
  status: z.literal(202),
  run_id: z.string(),
  workflow_id: z.string(),
  workflow_version: z.int().positive(),
  state: z.string(),
});
const refusedItem = z.object({
  status: z.int().describe('What the item alone would have been answered with'),
  error: z.string(),
  details: z.array(faultSchema),
  run_id: z
    .string()
    .optional()
    .describe('With 503: ask what became of it; with 429: what it will be called under its key'),
  idempotency_key: z.string().optional().describe('With 503, and 429 where it had one: the key to ask again with'),
  limit: z.string().optional().describe('With 429: the limit that is reached'),
  retry_after: z.int().optional().describe('With 429: seconds until it may be asked for again'),
});
const answer = z.object({ items: z.array(z.union([acceptedItem, refusedItem])) });

@ApiTags('runs')
@Controller('v1/workflows/:id/runs/batch')
export class RunBatchesController {
  constructor(private readonly batches: RunBatches) {}

  /** 207, whatever the items have come to: a 2xx of this route says nothing about any of them. */
  @Post()
  @HttpCode(HttpStatus.MULTI_STATUS)
  @NeedsScope('workflow:execute')
  @ApiOperation({ summary: 'Start many runs of a deployed workflow; each has an answer of its own, in their order' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Gives each item without a key of its own the key <this>:<its index>, so that a repeat starts nothing',
  })
  @ApiResponse({ status: HttpStatus.MULTI_STATUS, standardSchema: answer })
  async start(
    @Caller() caller: Principal,
    @Param('id') workflowId: string,
    @Headers('idempotency-key') key: string | undefined,
    @Body({ schema: batchBody }) { runs }: z.infer<typeof batchBody>,
  ): Promise<{ items: BatchItemAnswer[] }> {
    return { items: await this.batches.start(caller, workflowId, runs, batchKey(key)) };
  }
}
