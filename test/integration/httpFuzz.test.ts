import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiDocument } from '#dev/openapi/document.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { mismatchesOf } from '../support/fuzz/conformance.ts';
import { documentValidator } from '../support/fuzz/documentValidator.ts';
import { type FuzzRequest, send } from '../support/fuzz/fuzzRequest.ts';
import { requestArbitrary } from '../support/fuzz/requestArbitrary.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';

/** How long to go on, in seconds; without it a fixed number of requests is sent. */
const seconds = Number(process.env.FUZZ_SECONDS ?? 0);
const USUAL_BATCHES = 35;
/** Requests sent at once. */
const MOST_AT_ONCE = 40;

const document = await openApiDocument();
const validator = documentValidator(document);
let stack: Stack;
let pipeline: Pipeline;
let alertIds: string[];

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
  alertIds = stack.simulator.control.addNewAlerts(20).map(({ id }) => id);
  pipeline = await startPipeline(stack, { NOT_FOUND_RETRIES: '1s' });
});
afterAll(() => stack.stop());

test(
  'every answer to requests made from the OpenAPI document, valid and broken, is as the document says',
  async () => {
    const url = pipeline.hosts[0]?.url ?? '';
    const seen = new Map<number, number>();
    const ask = async (request: FuzzRequest) => {
      const response = await send(url, request);
      seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
      const { method, target, headers, body } = request;
      const mismatches = mismatchesOf(document, validator, request, response);
      return mismatches.map((mismatch) => ({ mismatch, method, target, headers, body: body?.toString() }));
    };
    const batches = fc.array(requestArbitrary(document, alertIds), {
      minLength: 1,
      maxLength: MOST_AT_ONCE,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(batches, async (requests) => {
        expect((await Promise.all(requests.map(ask))).flat()).toEqual([]);
      }),
      seconds === 0
        ? { numRuns: USUAL_BATCHES }
        : { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1_000 },
    );
    const statuses = [...seen].toSorted(([one], [other]) => one - other);
    const total = statuses.reduce((sum, [, count]) => sum + count, 0);
    console.info(`${total} requests: ${statuses.map(([status, count]) => `${status} ${count}`).join(', ')}`);
    expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 202, 304, 400, 404, 405, 406, 415, 422]));
  },
  (seconds + 60) * 1_000,
);
