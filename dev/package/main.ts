/** `npm run package`: makes what is deployed, as the folder `package/` and as `package.zip`. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bundle.ts';
import { packageFiles, writePackage } from './packageFiles.ts';

const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(0)} kB`;

const folder = join(ROOT, 'package');
const files = await packageFiles();
await writePackage(files, folder);

const code = files
  .filter(({ name }) => name.endsWith('.js'))
  .reduce((sum, { content }) => sum + content.length, 0);
console.log(`package/     ${files.length} files, ${kilobytes(code)} of code`);
console.log(`package.zip  ${kilobytes(statSync(`${folder}.zip`).size)}`);
