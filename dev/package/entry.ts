/** Where the deployed app starts: from here on, stack traces name the lines of the sources. */
process.setSourceMapsEnabled(true);
await import('../../functions/main.ts');

export {};
