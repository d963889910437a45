/**
 * Who may be shown which fields of an event, or of a state that events make, where the log itself is shown:
 * audit, replay, feed. What a field says of itself in a read model it says here too.
 */
export interface FieldNotes {
  /** Without which the personal fields are left out: that of the rows they are part of. */
  readonly permission?: string;
  readonly personal?: readonly string[];
  /** Field → the permission without which it is left out. */
  readonly internal?: Readonly<Record<string, string>>;
}

/** Whether one may read what needs that permission; undefined: nothing says which. */
export type May = (permission: string | undefined) => boolean;

/** Names of fields that are left out. */
export const hiddenFields = ({ permission, personal = [], internal = {} }: FieldNotes, may: May) =>
  new Set([
    ...(personal.length === 0 || may(permission) ? [] : personal),
    ...Object.entries(internal).flatMap(([name, needed]) => (may(needed) ? [] : [name])),
  ]);
