import type { SourceChoice } from '#shared/config/sourceSettings.ts';
import { type Finding, note, ok } from './finding.ts';

/** The day after which Microsoft has announced that the Defender for Endpoint APIs stop (MC1220762). */
const END = '2027-02-01';

/**
 * Whether the deployment goes on when the Defender API stops, in one line. The line is never a problem, because the API still
 * serves today.
 * @param graphFindings What was found about Microsoft Graph; empty when the settings do not ask it.
 */
export function readiness(choice: SourceChoice, graphFindings: readonly Finding[]): Finding {
  const subject = `ready for ${END}`;
  if (choice === 'defender') {
    return note(
      subject,
      'no, because ENRICHMENT_SOURCE is "defender": grant the roles of Microsoft Graph, then set it to "auto" (docs/graph.md)',
    );
  }
  const found = (name: string) => graphFindings.find((finding) => finding.subject === name);
  const wrong = ['Graph token', 'Graph alert role', 'Graph alerts'].filter(
    (name) => found(name)?.status !== 'ok',
  );
  if (wrong.length > 0) {
    return note(subject, `no, because of ${wrong.map((name) => `"${name}"`).join(', ')} above`);
  }
  const hunts = found('Graph hunting role')?.status === 'ok' && found('Graph hunting')?.status === 'ok';
  return hunts
    ? ok(subject, 'yes')
    : note(
        subject,
        'yes, with less: without hunting, exposure, sensor version, tags, joins and more stay unknown (docs/graph.md)',
      );
}
