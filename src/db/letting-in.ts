/** Whether a database lets us in, asked before anything else of it, so that what is wrong can be said plainly. */
import { createPool } from './pool.ts';

/** Why it does not, and where that is, without the password that its URL may hold; undefined where it does. */
export const whyNotLetIn = async (url: string): Promise<string | undefined> => {
  const pool = createPool({ url, max: 1, onError: () => undefined });
  try {
    await pool.query('SELECT 1');
    return undefined;
  } catch (error) {
    const { host, pathname, username } = new URL(url);
    const where = `${username === '' ? '' : `${decodeURIComponent(username)} at `}${host}${pathname}`;
    const { message, code } = error as { readonly message?: string; readonly code?: string };
    return `${where}: ${message === undefined || message === '' ? (code ?? 'no answer') : message}`;
  } finally {
    await pool.end();
  }
};
