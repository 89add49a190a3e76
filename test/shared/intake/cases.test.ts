import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readMessage } from '#shared/intake/readMessage.ts';
import { delivery, NOW } from './support.ts';

interface Case {
  name: string;
  body: unknown;
  expect: { alerts: { alertId: string; machineId?: string; tenantId?: string }[]; rejected: number };
}

/** Bodies as steps of playbooks, log shippers and triggers hand them on, with what must come out of each. */
const cases: Case[] = JSON.parse(
  readFileSync(new URL('../../fixtures/cases/messages.json', import.meta.url), 'utf8'),
);

describe.each(cases)('$name', ({ body, expect: expected }) => {
  test.each([
    ['as the trigger hands it over', body],
    ['as text in base64', Buffer.from(JSON.stringify(body)).toString('base64')],
    ['in base64 twice', Buffer.from(Buffer.from(JSON.stringify(body)).toString('base64')).toString('base64')],
  ])('%s', (_, message) => {
    const { submissions, rejections } = readMessage(message, delivery, NOW);
    expect(submissions.map(({ alertId, machineId, tenantId }) => ({ alertId, machineId, tenantId }))).toEqual(
      expected.alerts.map(({ alertId, machineId, tenantId }) => ({ alertId, machineId, tenantId })),
    );
    expect(rejections).toHaveLength(expected.rejected);
  });
});

interface Researched {
  name: string;
  body: unknown;
  alerts: { alertId: string; machineId?: string; tenantId?: string; correlationId?: string }[];
}

/** The shapes of further bodies from public playbooks, shippers and captures; all values are invented. */
const researched: Researched[] = JSON.parse(
  readFileSync(new URL('../../fixtures/cases/researched.json', import.meta.url), 'utf8'),
);

test.each(researched)('the right alerts come out: $name', ({ body, alerts }) => {
  const { submissions, rejections } = readMessage(body, delivery, NOW);
  expect(
    submissions.map(({ alertId, machineId, tenantId, correlationId }) => ({
      alertId,
      machineId,
      tenantId,
      correlationId,
    })),
  ).toEqual(
    alerts.map(({ alertId, machineId, tenantId, correlationId }) => ({
      alertId,
      machineId,
      tenantId,
      correlationId,
    })),
  );
  if (alerts.length === 0) {
    expect(rejections).toHaveLength(1);
  }
});
