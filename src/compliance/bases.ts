/** Legal grounds on which somebody's data is erased. */
export const legalBases = [
  // Art. 17(1) GDPR: no longer necessary; consent withdrawn; objected; unlawful; a legal obligation; a child's.
  'gdpr-art-17-1-a',
  'gdpr-art-17-1-b',
  'gdpr-art-17-1-c',
  'gdpr-art-17-1-d',
  'gdpr-art-17-1-e',
  'gdpr-art-17-1-f',
  'ccpa-1798-105',
  'retention-ended',
  'other',
] as const;

export type LegalBasis = (typeof legalBases)[number];
