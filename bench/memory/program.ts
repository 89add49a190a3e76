/** The app, watched: `program.ts <app folder> <alerts> <sample every>`, with its settings in the environment. */
import { runQueueFunction } from '../support/inProcessHost.ts';
import { sampleMemory } from './sample.ts';

const [, , appRoot = '', ...numbers] = process.argv;
const [alerts = 0, every = 0] = numbers.map(Number);
let done = 0;

await runQueueFunction(appRoot, 'enrichAlert', () => {
  done += 1;
  if (done % every === 0) {
    console.log(JSON.stringify(sampleMemory(done)));
  }
  if (done === alerts) {
    process.exit();
  }
});
