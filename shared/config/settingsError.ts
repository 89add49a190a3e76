/** What is wrong with one setting. */
export interface SettingProblem {
  setting: string;
  /** What it got and what is allowed, or what to do. Never the value of a secret. */
  message: string;
}

/** Thrown when the app cannot start with the settings it was given; lists all that are wrong at once. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const heading = problems.length === 1 ? 'One setting is wrong' : `${problems.length} settings are wrong`;
    super([`${heading}:`, ...problems.map(({ setting, message }) => `- ${setting}: ${message}`)].join('\n'));
    this.problems = problems;
  }
}
