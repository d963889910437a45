/**
 * Who confirmed a device. The confirmation is one person's, so only they may be the person whom the device
 * then acts as: whoever signs in between, in this browser or in one to which somebody carried our cookies
 * (a neighbouring host may set cookies for us), was never asked.
 */
import type { IncomingMessage } from 'node:http';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { QuarterdeckError } from '../../errors.ts';
import type { SessionOf } from './requests.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** What an interaction's result keeps beside what oidc-provider knows. */
export interface Kept {
  /** Milliseconds since 1970: when we sent the browser to sign in afresh. */
  readonly sentAt?: number;
  /** The person who confirmed the device that this is about. */
  readonly confirmedBy?: string;
}

export const keptIn = (result: unknown): Kept => (result ?? {}) as Kept;

export const saveAgain = (interaction: Interaction): Promise<string> =>
  interaction.save(interaction.exp - Math.floor(Date.now() / 1_000));

/** `route` is there at run time, and in the documentation of oidc-provider, but not in its types. */
export const routeIn = (ctx: KoaContextWithOIDC): string =>
  (ctx.oidc as { readonly route?: string }).route ?? '';

/** Where a device is confirmed, and where the way from signing in leads back to that. */
const confirming = 'code_verification';
const resuming = 'device_resume';

export const isAboutDevice = (ctx: KoaContextWithOIDC): boolean =>
  [confirming, resuming].includes(routeIn(ctx));

/** Keeps with an interaction who confirms the device, or confirmed it before. */
export const keepConfirming = async (
  ctx: KoaContextWithOIDC,
  interaction: Interaction,
  sessionOf: SessionOf,
): Promise<void> => {
  if (!isAboutDevice(ctx)) return;
  const confirmedBy =
    routeIn(ctx) === confirming
      ? (await sessionOf(ctx.req as IncomingMessage))?.personId
      : keptIn(ctx.oidc.result).confirmedBy;
  if (confirmedBy === undefined) return;
  interaction.result = { ...interaction.result, confirmedBy };
  await saveAgain(interaction);
};

/** Whether what this request gives was confirmed by that person, if it is to be confirmed. */
export const confirmedBy = (ctx: KoaContextWithOIDC, personId: string): boolean =>
  routeIn(ctx) !== resuming || keptIn(ctx.oidc.result).confirmedBy === personId;

/**
 * The device gets nothing, and is told so, where somebody else than `personId` confirmed it; nobody signed in
 * yet may still be the one.
 * @throws QuarterdeckError `not_permitted`
 */
export const requireConfirmer = async (
  provider: Provider,
  interaction: Interaction,
  personId: string | undefined,
): Promise<void> => {
  const { deviceCode } = interaction;
  if (deviceCode === undefined) return;
  const { confirmedBy } = keptIn(interaction.result);
  if (confirmedBy !== undefined && (personId === undefined || personId === confirmedBy)) return;
  const code = await provider.DeviceCode.find(deviceCode, { ignoreExpiration: true });
  await interaction.destroy();
  if (code !== undefined) {
    const errorDescription = 'confirmed by somebody else than who is signed in';
    await Object.assign(code, { error: 'access_denied', errorDescription }).save();
  }
  throw new QuarterdeckError(
    'not_permitted',
    'Somebody else confirmed this device, so it was not signed in as you. If it is yours, let it show a new code and type that.',
  );
};
