import type { JsonSchema } from '../schema/jsonSchema.ts';

/** An OpenAPI 3.1 document, as far as ours goes. */
export interface OpenApiDocument {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string; description: string; variables?: Record<string, { default: string }> }[];
  security: Record<string, string[]>[];
  tags: { name: string; description: string }[];
  paths: Record<string, Partial<Record<Method, Operation>>>;
  components: {
    schemas: Record<string, JsonSchema>;
    securitySchemes: Record<string, Record<string, string>>;
  };
}

/** `HEAD` works wherever `GET` does, and is not described again. */
export type Method = 'get' | 'post';

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  /** How prominently a designer of Logic Apps shows the operation or parameter. */
  'x-ms-visibility'?: Visibility;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { description: string; required: boolean; content: Record<string, MediaType> };
  responses: Record<string, ResponseObject>;
}

export type Visibility = 'important' | 'advanced' | 'internal';

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description: string;
  'x-ms-visibility'?: Visibility;
  schema: JsonSchema;
}

export interface MediaType {
  schema: JsonSchema;
  examples?: Record<string, { summary: string; value: unknown }>;
}

export interface Header {
  description: string;
  required?: boolean;
  schema: JsonSchema;
}

export interface ResponseObject {
  description: string;
  headers?: Record<string, Header>;
  content?: Record<string, MediaType>;
}

/** A reference to a schema of the document. */
export function referenceTo(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}
