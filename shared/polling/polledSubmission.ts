import { isAlertId } from '../intake/alertId.ts';
import { newSubmission } from '../intake/newSubmission.ts';
import { type Submission, submissionSchema } from '../intake/submission.ts';
import type { ListedAlert } from '../sources/alertFeed.ts';

const LONGEST_SUBMISSION_ID = 128;

/**
 * The submission of an alert that was found on the list; undefined when its ID does not pass the gate. The submission
 * ID follows from the alert's: when a crash makes an alert be submitted twice, both are known as one.
 */
export function polledSubmission(alert: ListedAlert, now: Date): Submission | undefined {
  const { alertId } = alert;
  if (!isAlertId(alertId)) return undefined;
  const { machineId, tenantId } = submissionSchema.shape;
  const request = {
    alertId,
    machineId: machineId.safeParse(alert.machineId).data,
    tenantId: tenantId.safeParse(alert.tenantId).data,
  };
  // Compared within one alert only. The longest alert ID that was ever seen has 40 characters.
  return newSubmission(request, `poll.${alertId}`.slice(0, LONGEST_SUBMISSION_ID), now);
}
