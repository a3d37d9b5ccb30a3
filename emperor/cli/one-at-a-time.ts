// An action that must not overtake itself: what it reads first could take effect last.

/**
 * Returns a function that asks for `act` and returns at once. It never runs twice at a time; however often it is asked
 * for meanwhile, it runs once more when it is through, and so sees what the last one who asked has seen. A
 * rejection is a bug, and ends the process as an unhandled one.
 */
export function oneAtATime(act: () => Promise<void>): () => void {
  let isRunning = false;
  let isAskedFor = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    while (isAskedFor) {
      isAskedFor = false;
      await act();
    }
    isRunning = false;
  };
  return () => {
    isAskedFor = true;
    if (!isRunning) void run();
  };
}
