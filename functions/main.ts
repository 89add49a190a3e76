/** Where the app starts: each file registers its function, and `startup.ts` what happens before the first call. */
import './startup.ts';
import './enrichAlert.ts';
import './pollAlerts.ts';
import './submitEnrichments.ts';
import './getEnrichment.ts';
import './getQuota.ts';
import './getHealth.ts';
import './getLiveness.ts';
