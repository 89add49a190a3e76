/**
 * Loaded with `--import` into the programs that the stack starts: ends them when the process that started them is
 * gone, however that ended. The channel between the two closes then.
 */
process.once('disconnect', () => process.exit(1));
// The channel alone keeps no program alive.
process.channel?.unref();
