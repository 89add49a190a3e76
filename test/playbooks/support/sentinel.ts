import type { Json, JsonObject } from './evaluate.ts';
import { incidentUrl } from './incidents.ts';
import type { Request, Response } from './workflowRun.ts';

/**
 * A stand-in for one incident in Sentinel's API and connector. Like the real one it holds one comment an ID, and
 * changes an existing one only for who knows its version.
 */
export class SentinelIncident {
  readonly comments = new Map<string, { etag: string; message: string }>();
  readonly labels: string[] = [];
  /** What the list of alerts gives. */
  alerts: Json[] = [];
  private version = 0;

  /** Answers a request to the incident; undefined when the request is for somebody else. */
  answer({ method, url, body }: Request): Response | undefined {
    if (url === '/Incidents' && method === 'PUT') {
      return this.tag(body as JsonObject);
    }
    if (!url.startsWith(incidentUrl)) {
      return undefined;
    }
    const [path = '', query] = url.slice(incidentUrl.length).split('?');
    if (query !== 'api-version=2025-09-01') {
      return { status: 400 };
    }
    if (path === '/alerts' && method === 'POST') {
      return { status: 200, body: { value: this.alerts } };
    }
    if (path === '' && method === 'GET') {
      const labels = this.labels.map((labelName) => ({ labelName, labelType: 'User' }));
      return { status: 200, body: { properties: { labels } } };
    }
    const id = /^\/comments\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(path)?.[1];
    if (id === undefined) {
      return { status: 404, body: { error: { code: 'NotFound' } } };
    }
    return method === 'PUT' ? this.write(id, body as JsonObject) : this.read(id);
  }

  private read(id: string): Response {
    const comment = this.comments.get(id);
    if (comment === undefined) {
      return { status: 404, body: { error: { code: 'NotFound' } } };
    }
    return { status: 200, body: { etag: comment.etag, properties: { message: comment.message } } };
  }

  private write(id: string, body: JsonObject): Response {
    const before = this.comments.get(id);
    if ((before?.etag ?? null) !== (body.etag ?? null)) {
      return { status: 409 };
    }
    const { message } = body.properties as { message: string };
    if (message.length > 30_000) {
      return { status: 400 };
    }
    this.version += 1;
    this.comments.set(id, { etag: `"${this.version}"`, message });
    return { status: before === undefined ? 201 : 200, body: {} };
  }

  private tag(body: JsonObject): Response {
    const { TagsToAdd } = body.tagsToAdd as { TagsToAdd: { Tag: string }[] };
    this.labels.push(...TagsToAdd.map(({ Tag }) => Tag));
    return { status: 200, body: {} };
  }
}
