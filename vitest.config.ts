import { defineConfig } from 'vitest/config';

/**
 * What needs no process of its own: its files share the workers, which saves a third of their time. Tests of the real identity
 * library do need one, since it keeps its endpoint per process.
 */
const SHARED = ['shared', 'functions', 'docs', 'examples', 'playbooks', 'dev/openapi', 'dev/schema'];
const SHARED_FILES = SHARED.map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    globalSetup: ['test/support/globalSetup.ts'],
    testTimeout: 400_000,
    hookTimeout: 400_000,
    pool: 'forks',
    // More than the two cores that must do: most of the time tests wait for processes they have started.
    maxWorkers: 4,
    projects: [
      { extends: true, test: { name: 'shared process', include: SHARED_FILES, isolate: false } },
      { extends: true, test: { name: 'own process', include: ['test/**/*.test.ts'], exclude: SHARED_FILES } },
    ],
  },
});
