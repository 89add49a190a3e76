import { openApiDocument } from './document.ts';
import { swaggerOf } from './swagger.ts';

/** The files that describe the HTTP API, as they should be. */
export async function openApiFiles(): Promise<{ file: URL; text: string }[]> {
  const document = await openApiDocument();
  return [
    { file: new URL('../../docs/openapi.json', import.meta.url), text: textOf(document) },
    { file: new URL('../../docs/openapi.v2.json', import.meta.url), text: textOf(swaggerOf(document)) },
  ];
}

function textOf(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
