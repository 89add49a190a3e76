import '#functions/main.ts';

/**
 * Where the deployed app starts. From here on, stack traces name the lines of the sources: in the handlers and all that
 * is behind them, which is loaded later. Node.js reads a map together with its module, which would make each start
 * longer for the few lines before this one, which only register the functions.
 */
process.setSourceMapsEnabled(true);
