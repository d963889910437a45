import { readFileSync } from 'node:fs';
import { policyFile } from './matrix.ts';

/** The sample policy, with a role that may do everything to rows of its regions. */
export const everythingRegional = (): string => {
  const text = readFileSync(policyFile, 'utf8');
  const role =
    "  everything-regional:\n    permissions: ['*']\n    rows: ['accounts where region in {principal.regions}']\n";
  const given = text
    .replace(/^roles:\n/m, `roles:\n${role}`)
    .replace('regional-support: regional-support', 'regional-support: everything-regional');
  if (given === text) throw new Error('the sample policy has changed');
  return given;
};
