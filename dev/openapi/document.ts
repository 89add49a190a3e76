import { LONGEST_WAIT_SECONDS } from '#shared/http/contract.ts';
import type { OpenApiDocument } from './openApi.ts';
import { operations } from './operations.ts';
import { problemExamples } from './problemExamples.ts';
import { componentSchemas } from './schemas.ts';

/** Raised when a change breaks a caller. */
const API_VERSION = '1.0';

const DESCRIPTION = `Hands Microsoft Defender for Endpoint alerts in to be enriched with a normalized device record, and tells what became of them.

- Answers about alerts come as JSON, or as summary cards for people with \`Accept: text/markdown\` or \`text/html\`.
- An answer is held for at most ${LONGEST_WAIT_SECONDS} seconds with \`wait\`. 202 says when to ask again.
- Every error is a problem document (RFC 9457); its \`type\` is stable. Only what the Functions host refuses itself, such as a wrong key or an unknown path, has no body.
- \`HEAD\` works wherever \`GET\` does.
- Answers may get further properties without a new version.`;

/** The whole HTTP API, made from the schemas that the program uses and from answers that it gives. */
export async function openApiDocument(): Promise<OpenApiDocument> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Defender alert enrichment',
      version: API_VERSION,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: 'https://{host}',
        description: 'The function app.',
        variables: { host: { default: 'example.azurewebsites.net' } },
      },
      { url: 'http://localhost:7071', description: 'The local host.' },
    ],
    security: [{ functionKey: [] }, { functionKeyInQuery: [] }, { entra: [] }],
    tags: [
      { name: 'enrichments', description: 'Alerts and what is known of their devices.' },
      { name: 'state', description: 'How the app is.' },
    ],
    paths: operations(await problemExamples()),
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        functionKey: {
          type: 'apiKey',
          in: 'header',
          name: 'x-functions-key',
          description: 'A function key or host key of the app, with HTTP_AUTHORIZATION=key.',
        },
        functionKeyInQuery: {
          type: 'apiKey',
          in: 'query',
          name: 'code',
          description: 'The same in the address, for callers that cannot set headers.',
        },
        entra: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'A token of Microsoft Entra ID for the app registration of App Service Authentication, with HTTP_AUTHORIZATION=entra.',
        },
      },
    },
  };
}
