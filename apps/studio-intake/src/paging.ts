import { z } from 'zod';

const maxPage = 1_000;

/** `?cursor=…&limit=…` of every list. */
export const pageQueryShape = {
  cursor: z.string().min(1).max(4096).optional(),
  limit: z.coerce.number().int().min(1).max(maxPage).optional(),
};
export const pageQuery = z.strictObject(pageQueryShape);
