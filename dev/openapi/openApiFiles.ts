import { apiPage } from './apiPage.ts';
import { openApiDocument } from './document.ts';
import { swaggerOf } from './swagger.ts';

/** The files that describe the HTTP API, as they should be: two for programs, and a page for people. */
export async function openApiFiles(): Promise<{ file: URL; text: string }[]> {
  const document = await openApiDocument();
  return [
    { file: new URL('../../docs/openapi.json', import.meta.url), text: textOf(document) },
    { file: new URL('../../docs/openapi.v2.json', import.meta.url), text: textOf(swaggerOf(document)) },
    { file: new URL('../../docs/api.html', import.meta.url), text: apiPage(document) },
  ];
}

function textOf(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
