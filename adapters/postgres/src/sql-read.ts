/** What an event is read as, in this order. */
export const EVENT = 'e.id, e.type, e.schema_version, e.data, e.metadata, e.version, e.position, e.time_ms';

/**
 * The events of a scope, or of a category of it, at `after < position <= upTo`, in order. The streams are looked up one by
 * one, through the events in the order of their index: `offset 0` keeps the planner from anything else.
 *
 * @param schema quoted
 */
export const page = (
  schema: string,
  of: Readonly<Record<'scope' | 'category' | 'after' | 'upTo' | 'limit', string>>,
): string => `
  select ${EVENT}, s.name from ${schema}.events e
  cross join lateral (
    select s.name, s.scope, s.category, s.kept_from from ${schema}.streams s where s.id = e.stream_id offset 0) s
  where e.position > ${of.after} and e.position <= ${of.upTo} and s.scope = ${of.scope}
    and (${of.category} is null or s.category = ${of.category}) and e.version >= s.kept_from
  order by e.position limit ${of.limit}`;

/**
 * Reading what is new: see postgres-horizon.ts for why. Each step is a statement of its own, as each has to see what was committed
 * before it began.
 *
 * @param schema quoted
 */
export const readFunctions = (schema: string): string => `
-- A first row with the marks, then the events. settled is what holds for who has read up to p_after; known holds for all.
create or replace function ${schema}.read_new(
  p_scope text, p_category text, p_after bigint, p_limit integer, p_window bigint,
  p_settled bigint, p_pending_last bigint, p_pending_xid bigint
) returns table (
  settled bigint, known bigint, pending_last bigint, pending_xid bigint,
  id text, type text, schema_version integer, data text, metadata text, version integer, "position" bigint,
  time_ms double precision, stream text
) language plpgsql as $$
#variable_conflict use_column
declare
  v_last bigint;
  v_next bigint;
  v_oldest bigint;
  v_settled bigint;
begin
  known := p_settled;
  settled := greatest(p_settled, p_after);
  select case when q.is_called then q.last_value else 0 end into v_last from ${schema}.events_position_seq q;
  if v_last > settled then
    -- pg_snapshot_xmax is one above the last id that has ended; age() tells how many were given since.
    v_next := (select x.ended::text::bigint + age(x.ended::xid)
               from (select pg_snapshot_xmax(pg_current_snapshot()) as ended) x);
    v_oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    if v_oldest >= v_next then
      v_settled := v_last;
    else
      pending_last := v_last;
      pending_xid := v_next;
      if v_oldest >= p_pending_xid then
        v_settled := p_pending_last;
      elsif p_pending_last > settled then
        pending_last := p_pending_last;
        pending_xid := p_pending_xid;
      end if;
    end if;
    if v_settled > known then -- the last that is there, not one that a crash could give again
      known := greatest(known, (select max(e.position) from ${schema}.events e where e.position <= v_settled));
      settled := greatest(settled, known);
    end if;
    if pending_xid is not null then -- what follows without a hole is nobody else's
      settled := (
        select coalesce(max(run.position), settled) from (
          select f.position, row_number() over (order by f.position) as nth
          from (select e.position from ${schema}.events e where e.position > settled order by e.position limit 1000) f
        ) run where run.position = settled + run.nth);
      if p_after <= known then known := settled; end if;
    end if;
  end if;
  return next;
  return query select null::bigint, null::bigint, null::bigint, null::bigint, p.* from (${page(schema, {
    scope: 'p_scope',
    category: 'p_category',
    after: 'p_after',
    upTo: 'least(settled, p_after + p_window)',
    limit: 'p_limit',
  })}) p;
end $$;

-- Moves what is due into the outbox, and answers how many, and when the next one is due. What another process has just taken
-- is passed over, and not asked for again at once.
create or replace function ${schema}.release_due(p_now_ms double precision, p_limit integer)
returns table (released integer, next_ms double precision) language plpgsql as $$
declare
  v_places bigint[];
begin
  select array_agg(d.place) into v_places from (
    select s.place from ${schema}.schedule s where s.due_ms <= p_now_ms
    order by s.due_ms, s.place limit p_limit for update skip locked) d;
  released := coalesce(cardinality(v_places), 0);
  if released > 0 then
    with due as (
      delete from ${schema}.schedule s using unnest(v_places) v(place)
      where s.due_ms <= p_now_ms and s.place = v.place
      returning s.due_ms, s.place, s.partition, s.kind, s.id, s.key, s.body)
    insert into ${schema}.outbox (partition, kind, id, key, body)
    select due.partition, due.kind, due.id, due.key, due.body from due order by due.due_ms, due.place;
  end if;
  select min(s.due_ms) into next_ms from ${schema}.schedule s where released = p_limit or s.due_ms > p_now_ms;
  return next;
end $$;
`;
