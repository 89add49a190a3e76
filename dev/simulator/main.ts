import { parseCommandLine } from './options.ts';
import { startSimulator } from './simulator.ts';

const simulator = await startSimulator(parseCommandLine(process.argv.slice(2)));
const { control, close, ...addresses } = simulator;
const tenants = control.tenants.map(({ tenantId, name }) => ({ tenantId, name }));
console.log(JSON.stringify({ ready: true, ...addresses, tenants }));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void close());
}
