import type { AlertDraft } from '../alertRequest.ts';
import type { JsonObject } from '../jsonText.ts';

/** A form in which one alert may come as a JSON object. */
export interface AlertForm {
  /** Where the form keeps the alert ID, to a person: `the "id" of the MDE alert`. */
  origin: string;
  /** The alert in the object, unchecked; undefined when the object has another form. */
  read(value: JsonObject): AlertDraft | undefined;
}
