/**
 * Command line of `npm run schema`: writes the published contracts and the descriptions of the HTTP API anew. With
 * `--release` it also keeps the contracts as released, unless that would break somebody who relies on the version that
 * they carry.
 */
import { parseArgs } from 'node:util';
import { openApiFiles } from '../openapi/openApiFiles.ts';
import { breaksOf } from './compatibility.ts';
import { contracts } from './contracts.ts';
import { currentFile, readReleased, releasedFile, schemaText, write } from './schemaFiles.ts';

const { values } = parseArgs({ options: { release: { type: 'boolean', default: false } } });

for (const contract of contracts) {
  write(currentFile(contract), schemaText(contract));
  const breaks = breaksOf(contract.audience, readReleased(contract) ?? contract.schema, contract.schema);
  if (breaks.length > 0) {
    console.error(
      `${contract.name} ${contract.version} breaks its ${contract.audience}; raise its version or take back:`,
    );
    for (const text of breaks) {
      console.error(`- ${text}`);
    }
    process.exitCode = 1;
  } else if (values.release) {
    write(releasedFile(contract), schemaText(contract));
  }
}

for (const { file, text } of await openApiFiles()) {
  write(file, text);
}
