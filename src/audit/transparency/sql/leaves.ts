/**
 * Leaf hashes of stored events, taken where they lie: what `entry.ts` says of an entry, said in SQL, for events
 * whose data and metadata are stored as canonical JSON. `commandId` is stored behind all other members of the
 * metadata, and its place in the order is before `correlationId`.
 *
 * $1 after, $2 up to. One row: how many events there are, the first and the last position, and 32 bytes for each.
 */
const utf8 = (text: string): string => `convert_to(${text}, 'UTF8')`;

/** In bytes: cutting text would count its characters from the beginning. */
const canonicalMetadata = `substring(metadata FOR place - 1) || own
  || substring(metadata FROM place FOR octet_length(metadata) - place - octet_length(own)) || '}'::bytea`;

const hex = (bytes: string): string => `encode(sha256(${bytes}), 'hex')`;

export const selectLeaves = {
  name: 'select_leaves',
  text: `
    SELECT count(*)::int AS count, min(position) AS first, max(position) AS last, 
      string_agg(leaf, ''::bytea ORDER BY position) AS leaves
    FROM (
      SELECT position, sha256('\\x00'::bytea || ${utf8(`concat(
        '{"actor":', actor->'id', ',"command":' || command, ',"correlationId":', correlation,
        ',"dataSha256":"', ${hex('data')}, '","id":"', id, '","metadataSha256":"', ${hex(canonicalMetadata)},
        '","position":', position, ',"recordedAt":"', to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","schemaVersion":', schema_version, ',"stream":', to_json(stream), ',"tool":', tool,
        ',"type":', to_json(type), ',"version":', version, '}')`)}) AS leaf
      FROM (
        SELECT e.position, e.id, e.stream, e.version, e.type, e.schema_version, e.recorded_at,
          ${utf8('e.data::text')} AS data, ${utf8('e.metadata::text')} AS metadata,
          position(',"correlationId":'::bytea IN ${utf8('e.metadata::text')}) AS place,
          r.actor, r.command, r."correlationId" AS correlation, r.tool,
          ${utf8(`',"commandId":' || r."commandId"`)} AS own
        FROM events e, LATERAL json_to_record(e.metadata)
          AS r (actor json, command json, "commandId" json, "correlationId" json, tool json)
        WHERE e.position > $1 AND e.position <= $2
        ORDER BY e.position
      ) events
      ORDER BY position
    ) leaves`,
} as const;
