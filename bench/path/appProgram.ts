/** The app, measured: `appProgram.ts <app folder> <warm-up> <measured>`, with its settings in the environment. */
import { runQueueFunction } from '../support/inProcessHost.ts';
import { meterThisProcess } from './measured.ts';

const [, , appRoot = '', warmUp, measured] = process.argv;
const onDone = meterThisProcess({ warmUp: Number(warmUp), measured: Number(measured) });
await runQueueFunction(appRoot, 'enrichAlert', onDone);
