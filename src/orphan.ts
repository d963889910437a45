/**
 * Notices that whoever started this process has ended. `npm start` runs it in a shell and passes a signal on to
 * that shell alone, which ends by it and leaves us behind with nobody to stop us: so the shell's end is taken for
 * the signal. Only for a process of npm's; one that was put into the background outlives its shell on purpose.
 */

const lookEveryMs = 250;

/** Calls back once, when the parent is another than at this moment. Holds no process open. */
export const onOrphaned = (listener: () => void): void => {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    listener();
  }, lookEveryMs);
  timer.unref();
};
