/** What a summary says, before it is written as Markdown or HTML. All texts may come from a device or its users. */
export interface Content {
  title: string;
  /** What stands out, the most important first. */
  findings: string[];
  facts: Fact[];
  links: Link[];
}

export interface Fact {
  label: string;
  values: string[];
}

/** A link of our own making: no part of the address may come from a device, but for an ID that was checked. */
export interface Link {
  label: string;
  url: string;
}
