import { parseCommandLine } from './options.ts';
import { startSimulator } from './simulator.ts';

const simulator = await startSimulator(parseCommandLine(process.argv.slice(2)));
const { apiUrl, identityEndpoint, identityHeader, controlUrl } = simulator;
console.log(JSON.stringify({ ready: true, apiUrl, identityEndpoint, identityHeader, controlUrl }));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void simulator.close());
}
