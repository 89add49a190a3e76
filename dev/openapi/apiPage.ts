import { createHash } from 'node:crypto';
import type { OpenApiDocument } from './openApi.ts';

/** Runs in the page. Only where `npm start` serves it is there an app behind the same address, which takes calls. */
const SCRIPT = `
const description = JSON.parse(document.getElementById('description').textContent);
const isLocal = ['127.0.0.1', 'localhost'].includes(location.hostname);
if (isLocal) {
  description.servers = [{ url: location.origin, description: 'The app that npm start runs; it asks for no key.' }];
  delete description.security;
  delete description.components.securitySchemes;
}
document.getElementById('hint').hidden = isLocal;
const dark = matchMedia('(prefers-color-scheme: dark)');
const obey = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', obey);
obey();
SwaggerUIBundle({
  spec: description,
  dom_id: '#viewer',
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: isLocal,
  supportedSubmitMethods: isLocal ? ['get', 'post'] : [],
});
`;

const STYLE = `
body { margin: 0; }
#hint { max-width: 1460px; margin: 1rem auto 0; padding: 0 20px; font: 1rem/1.5 system-ui, sans-serif; }
.swagger-ui .wrapper { box-sizing: border-box; }
.swagger-ui .markdown code { overflow-wrap: anywhere; }
@media (max-width: 640px) {
  .swagger-ui .opblock .opblock-summary { flex-wrap: wrap; }
  .swagger-ui .opblock .opblock-summary-description { flex-basis: 100%; padding: 6px 10px; text-align: left; }
}
html.dark-mode #hint { color: #e4e6e6; }
html.dark-mode .swagger-ui .headers td { color: #e4e6e6; }
html.dark-mode #hint a { color: #8fb8ff; }
`;

/** The viewer needs styles in line; scripts are its own and the one above. Nothing goes to another host. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`,
  "style-src 'self' 'unsafe-inline'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
].join('; ');

/**
 * The HTTP API as a page that people read, also from the disk, and try while `npm start` serves it. It carries the
 * description, and needs the folder `swagger-ui` beside it.
 */
export function apiPage(document: OpenApiDocument): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Defender alert enrichment: HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="swagger-ui/swagger-ui.css">
<style>${STYLE}</style>
</head>
<body>
<p id="hint">To send these requests, run <code>npm start</code> and open the address that it prints as <code>page</code>.
The same in prose: <a href="http.md">http.md</a>.</p>
<div id="viewer"></div>
<script type="application/json" id="description">${JSON.stringify(document).replaceAll('<', '\\u003c')}</script>
<script src="swagger-ui/swagger-ui-bundle.js"></script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
