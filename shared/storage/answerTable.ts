import type { TableClient } from '@azure/data-tables';
import * as z from 'zod';
import type { AnswerStore } from '../quota/lastAnswer.ts';
import { hasStatus, isLostCreation, isLostUpdate } from './storageError.ts';

const ROW_KEY = 'answers';
const FORMAT = 1;

const rowSchema = z.object({
  format: z.literal(FORMAT),
  answeredAt: z.date().optional(),
  askedAt: z.date().optional(),
  /** Empty while nothing is known: a write that merges cannot remove a column. */
  problemKind: z.enum(['refused', 'silent', '']).default(''),
  problem: z.string().default(''),
});

/** More would be a whole page of an API gone wrong. */
const LONGEST_DETAIL = 1_000;

/**
 * The answers of one API as one entity of the state table, beside its ledger. A row that cannot be read counts as none.
 * @param partitionKey Names the quota, as for the ledger.
 */
export function createAnswerTable(table: TableClient, partitionKey: string): AnswerStore {
  const row = { partitionKey, rowKey: ROW_KEY, format: FORMAT };

  return {
    async read() {
      try {
        const found = await table.getEntity(partitionKey, ROW_KEY);
        const { answeredAt, askedAt, problemKind, problem } = rowSchema.safeParse(found).data ?? {};
        const kind = problemKind || undefined;
        return {
          answeredAt,
          asked: askedAt && {
            at: askedAt,
            problem: kind && { kind, detail: problem ?? '' },
          },
          etag: found.etag,
        };
      } catch (error) {
        if (hasStatus(error, 404)) {
          return { answeredAt: undefined, asked: undefined, etag: undefined };
        }
        throw error;
      }
    },

    async noteAnswer(at) {
      await table.upsertEntity({ ...row, answeredAt: at }, 'Merge');
    },

    async claim({ etag }, at) {
      const claimed = { ...row, askedAt: at, problemKind: '', problem: '' };
      try {
        if (etag === undefined) {
          await table.createEntity(claimed);
        } else {
          await table.updateEntity(claimed, 'Merge', { etag });
        }
        return true;
      } catch (error) {
        if (etag === undefined ? isLostCreation(error) : isLostUpdate(error)) {
          return false;
        }
        throw error;
      }
    },

    async noteProblem({ kind, detail }) {
      const problem = detail.slice(0, LONGEST_DETAIL);
      await table.upsertEntity({ ...row, problemKind: kind, problem }, 'Merge');
    },
  };
}
