/** Commands that tell how long each of them took, however it ended. */
import type { Commands } from './request.ts';

export const timed = (commands: Commands, took: (ms: number) => void): Commands => ({
  ...commands,
  async execute(request) {
    const begun = performance.now();
    try {
      return await commands.execute(request);
    } finally {
      took(performance.now() - begun);
    }
  },
});
