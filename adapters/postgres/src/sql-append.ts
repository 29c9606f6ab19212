/** How the functions are told of an expectation that is no version; any other negative number is never met. */
export const EXPECTED = { any: -1, exists: -2, never: -3 } as const;

/**
 * What is written most: one event for a stream whose version is known. Answers the new version, or nothing where it is not as
 * expected: then `append` finds out why. A fifth cheaper than a function. The row of the stream is locked first, as the insert
 * has its values from there.
 *
 * @param schema quoted
 */
export const appendOne = (schema: string): string => `
  with s as (
    update ${schema}.streams set version = version + 1 where scope = $1 and name = $2 and version = $3::bigint
    returning id, version)
  insert into ${schema}.events (stream_id, version, time_ms, id, type, schema_version, data, metadata)
  select s.id, s.version, $4, $5, $6, $7, $8, $9 from s
  returning version`;

/**
 * The function for events of one stream, and nothing else. One row is locked, and nothing is parsed.
 *
 * Every function names what it uses with its schema, and is a statement of its own for its caller. None may be called with an
 * isolation above `read committed`: each statement inside has to see what was committed before it.
 *
 * @param schema quoted
 */
export const appendFunctions = (schema: string): string => `
create or replace function ${schema}.is_expected(p_version integer, p_expected bigint) returns boolean
language sql immutable as $$
  select case p_expected when ${EXPECTED.any} then true when ${EXPECTED.exists} then p_version > 0
    else p_version = p_expected end
$$;

-- Whether these events stand in this stream already, one behind the other.
create or replace function ${schema}.is_repeat(p_stream_id bigint, p_ids text[]) returns boolean
language sql stable as $$
  select cardinality(p_ids) > 0 and count(*) = cardinality(p_ids)
  from ${schema}.events f
  cross join unnest(p_ids) with ordinality as i(id, at)
  join ${schema}.events e on e.id = i.id and e.stream_id = p_stream_id and e.version = f.version + i.at - 1
  where f.id = p_ids[1] and f.stream_id = p_stream_id
$$;

-- The new version; of a conflict, -1 less the version that the stream has. The row of the stream is locked first: only so do
-- positions grow with versions, and does the transaction have an id before it takes a position.
create or replace function ${schema}.append(
  p_scope text, p_stream text, p_expected bigint, p_time_ms double precision,
  p_ids text[], p_types text[], p_schema_versions integer[], p_data text[], p_metadata text[]
) returns integer language plpgsql as $$
declare
  n constant integer := cardinality(p_ids);
  v_id bigint;
  v_version integer;
begin
  loop
    if p_expected <> 0 then
      update ${schema}.streams s set version = s.version + n
      where s.scope = p_scope and s.name = p_stream and case p_expected
        when ${EXPECTED.any} then true when ${EXPECTED.exists} then s.version > 0 else s.version = p_expected end
      returning s.id, s.version into v_id, v_version;
    end if;
    if v_id is null and p_expected in (0, ${EXPECTED.any}) then
      insert into ${schema}.streams as s (scope, category, name, version)
      values (p_scope, left(p_stream, greatest(strpos(p_stream, '-') - 1, 0)), p_stream, n)
      on conflict (scope, name) do update set version = s.version + n
      where p_expected = ${EXPECTED.any} or s.version = 0
      returning s.id, s.version into v_id, v_version;
    end if;
    exit when v_id is not null;
    select s.id, s.version into v_id, v_version from ${schema}.streams s
    where s.scope = p_scope and s.name = p_stream for update;
    v_version := coalesce(v_version, 0);
    if ${schema}.is_repeat(v_id, p_ids) then return v_version; end if;
    if not ${schema}.is_expected(v_version, p_expected) then return -1 - v_version; end if;
    v_id := null; -- it has changed since it was found to be wrong
  end loop;
  if n = 1 then -- a tenth quicker than unnest
    insert into ${schema}.events (stream_id, version, time_ms, id, type, schema_version, data, metadata)
    values (v_id, v_version, p_time_ms, p_ids[1], p_types[1], p_schema_versions[1], p_data[1], p_metadata[1]);
  else
    insert into ${schema}.events (stream_id, version, time_ms, id, type, schema_version, data, metadata)
    select v_id, v_version - n + e.at, p_time_ms, e.id, e.type, e.schema_version, e.data, e.metadata
    from unnest(p_ids, p_types, p_schema_versions, p_data, p_metadata)
      with ordinality as e(id, type, schema_version, data, metadata, at);
  end if;
  return v_version;
end $$;
`;
