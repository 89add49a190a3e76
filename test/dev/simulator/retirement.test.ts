import { expect, test } from 'vitest';
import { retiredStatuses } from '#dev/simulator/retirement.ts';
import { callGraph } from './graphFixture.ts';
import { callApi, machinePath, startForTest, tokenOf } from './simulatorFixture.ts';

test.for(retiredStatuses)(
  'A Defender API that is gone answers every call with %i, and Graph goes on',
  async (status) => {
    const simulator = await startForTest();
    const token = await tokenOf(simulator);
    simulator.control.retireDefender(status);
    const paths = [
      machinePath(simulator),
      '/api/alerts',
      '/api/machines?$top=1',
      '/api/alerts/nowhere/machine',
    ];
    for (const path of paths) {
      const response = await callApi(simulator, path, { token });
      expect(response.status).toBe(status);
      expect(await response.json()).toHaveProperty('error.code');
    }
    expect((await fetch(`${simulator.apiUrl}/api/alerts`)).status).toBe(status);
    const graph = await callGraph(simulator, `/security/alerts_v2/${simulator.control.alertIds()[1]}`);
    expect(graph.status).toBe(200);
    expect(simulator.control.report()).toMatchObject({ counted: 1, faults: {} });
    simulator.control.retireDefender(null);
    expect((await callApi(simulator, machinePath(simulator), { token })).status).toBe(200);
  },
);

test('The API can be gone from the start, and control over HTTP brings it back and takes it away', async () => {
  const simulator = await startForTest({ retired: 410 });
  const statusOf = async () => (await callApi(simulator, machinePath(simulator))).status;
  const retire = (status: unknown) =>
    fetch(`${simulator.controlUrl}/retirement`, { method: 'POST', body: JSON.stringify({ status }) });
  expect(await statusOf()).toBe(410);
  expect((await retire(null)).status).toBe(200);
  expect(await statusOf()).toBe(200);
  expect((await retire(404)).status).toBe(200);
  expect(await statusOf()).toBe(404);
  expect((await retire(500)).status).toBe(400);
  simulator.control.reset();
  expect(await statusOf()).toBe(410);
});
