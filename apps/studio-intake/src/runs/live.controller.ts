import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { QueryAnswer } from '@ryax/contracts';
import { Log, runOwned } from '@ryax/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { StateStoreClient } from '../state-store.client';
import { LiveResponse } from './live-response';

/** How long one question waits for news; also how often a silent stream says that it is still there. */
const waitMs = 15_000;
const eventsPerQuestion = 500;
const bytesPerQuestion = 256 * 1024;

const logQuery = z.strictObject({
  follow: z.enum(['', 'true', 'false']).optional(),
  attempt: z.coerce.number().int().positive().optional(),
  offset: z.coerce.number().int().nonnegative().default(0),
});
const version = z.coerce.number().int().nonnegative().catch(0);

/** Routes that answer as things happen. Both are long questions to the state store, asked again from where the last ended. */
@ApiTags('runs')
@Controller('v1/runs/:id')
export class LiveController {
  constructor(
    private readonly stateStore: StateStoreClient,
    private readonly log: Log,
  ) {}

  @Get('events')
  @NeedsScope('workflow:read')
  @ApiOperation({
    summary: 'The events of a run as server-sent events; goes on after Last-Event-ID, ends with the run',
  })
  async events(
    @Caller() { project }: Principal,
    @Param('id') runId: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const ask = (after: number, wait: number) =>
      this.stateStore.query(
        'run.history',
        { project, run_id: runId, after_version: after, limit: eventsPerQuestion, wait_ms: wait },
        wait,
      );
    // The first answer decides whether there is such a run, while a status can still be sent.
    const after = version.parse(lastEventId ?? 0);
    const first = await ask(after, 0);
    if (!first.open && after >= first.head_version) {
      // What a browser's EventSource takes as: there is nothing more, do not come back.
      await reply.status(204).send();
      return;
    }
    const response = new LiveResponse(request, reply, 'text/event-stream; charset=utf-8');
    runOwned(this.log, 'server-sent events', () => streamEvents(first, after, ask, response));
  }

  @Get('executions/:execution/log')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: "The log of an execution's attempt as text; with follow, as it is written" })
  async executionLog(
    @Caller() { project }: Principal,
    @Param('id') runId: string,
    @Param('execution') execution: string,
    @Query({ schema: logQuery }) { follow, attempt, offset }: z.infer<typeof logQuery>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const isFollowing = follow === '' || follow === 'true';
    const ask = (from: number, wait: number) =>
      this.stateStore.query(
        'execution.log',
        {
          project,
          run_id: runId,
          execution,
          offset: from,
          limit_bytes: bytesPerQuestion,
          wait_ms: wait,
          ...(attempt === undefined ? {} : { attempt }),
        },
        wait,
      );
    const first = await ask(offset, 0);
    const response = new LiveResponse(request, reply, 'text/plain; charset=utf-8');
    runOwned(this.log, 'execution log', () => streamLog(first, ask, response, isFollowing));
  }
}

type HistoryAnswer = QueryAnswer<'run.history'>;
type LogAnswer = QueryAnswer<'execution.log'>;

async function streamEvents(
  first: HistoryAnswer,
  after: number,
  ask: (after: number, wait: number) => Promise<HistoryAnswer>,
  response: LiveResponse,
): Promise<void> {
  try {
    let seen = after;
    for (let answer = first; ; answer = await ask(seen, waitMs)) {
      if (answer.events.length === 0) await response.write(': still here\n\n');
      for (const event of answer.events) {
        seen = event.version;
        await response.write(`id: ${event.version}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      if (response.isGone || (!answer.open && seen >= answer.head_version)) return;
    }
  } finally {
    response.end();
  }
}

async function streamLog(
  first: LogAnswer,
  ask: (from: number, wait: number) => Promise<LogAnswer>,
  response: LiveResponse,
  isFollowing: boolean,
): Promise<void> {
  try {
    for (let answer = first; ; answer = await ask(answer.next_offset, isFollowing ? waitMs : 0)) {
      if (answer.text !== '') await response.write(answer.text);
      const isAtEnd = answer.complete || (!isFollowing && answer.text === '');
      if (response.isGone || isAtEnd) return;
    }
  } finally {
    response.end();
  }
}
