-- (portal, app) leads every key and every index, so that installs never meet and the tables can be spread by portal.
-- Every blob starts with a version byte. Moments are milliseconds since the Unix epoch.

create table run (
    portal integer not null,
    app integer not null,
    run integer not null,
    state integer not null,
    began integer not null,
    mapping integer not null,
    revision integer not null,
    plan blob,
    primary key (portal, app, run)
) strict, without rowid;

create index run_by_state on run (portal, app, state, run);

-- The moving part of an operation: small rows, because a claim and a settlement rewrite them.
create table operation (
    portal integer not null,
    app integer not null,
    run integer not null,
    seq integer not null,
    state integer not null,
    stage integer not null,
    pack text not null,
    pack_max integer not null,
    due integer not null,
    attempts integer not null,
    claimed_at integer,
    settled_at integer,
    floor integer,
    entry text not null,
    verb text not null,
    why text,
    primary key (portal, app, run, seq)
) strict, without rowid;

-- Partial, so that settled operations weigh on no claim.
create index operation_due on operation (portal, app, run, stage, due, seq) where state = 0;
create index operation_pack on operation (portal, app, run, stage, pack, due, seq) where state = 0;
create index operation_sent on operation (portal, app, run, seq) where state = 1;

-- The part of an operation that never changes.
create table payload (
    portal integer not null,
    app integer not null,
    run integer not null,
    seq integer not null,
    source_key text not null,
    object_type text not null,
    action blob not null,
    primary key (portal, app, run, seq)
) strict, without rowid;

-- How many operations of one kind are in which state: moved in the transaction that moves the operation.
create table tally (
    portal integer not null,
    app integer not null,
    run integer not null,
    stage integer not null,
    entry text not null,
    verb text not null,
    state integer not null,
    operations integer not null,
    primary key (portal, app, run, stage, entry, verb, state)
) strict, without rowid;

-- Rows that a run rejected; place counts from 0 without gaps.
create table rejected (
    portal integer not null,
    app integer not null,
    run integer not null,
    place integer not null,
    entry text not null,
    source_key text not null,
    rejection blob not null,
    content text not null,
    primary key (portal, app, run, place)
) strict, without rowid;

-- Runs whose operations are to be deleted in steps; keep_rejected spares the rejected rows.
create table litter (
    portal integer not null,
    app integer not null,
    run integer not null,
    keep_rejected integer not null,
    primary key (portal, app, run)
) strict, without rowid;

create table link (
    portal integer not null,
    app integer not null,
    entry text not null,
    source_key text not null,
    object_type text not null,
    record integer not null,
    base blob not null,
    primary key (portal, app, entry, source_key)
) strict, without rowid;

create index link_by_record on link (portal, app, object_type, record, entry, source_key);

create table association (
    portal integer not null,
    app integer not null,
    entry text not null,
    from_key text not null,
    kind text not null,
    to_key text not null,
    primary key (portal, app, entry, from_key, kind, to_key)
) strict, without rowid;

create table revision (
    portal integer not null,
    app integer not null,
    revision integer not null,
    primary key (portal, app)
) strict, without rowid;

create table mirror (
    portal integer not null,
    app integer not null,
    object_type text not null,
    record integer not null,
    properties blob not null,
    updated_at text,
    archived integer not null,
    primary key (portal, app, object_type, record)
) strict, without rowid;

-- How many rows of a name a table holds (links by entry, mirror by object type), so that counting never scans.
create table census (
    portal integer not null,
    app integer not null,
    family text not null,
    name text not null,
    amount integer not null,
    primary key (portal, app, family, name)
) strict, without rowid;

create table budget (
    portal integer not null,
    app integer not null,
    may_send_until integer not null,
    budget_window blob,
    primary key (portal, app)
) strict, without rowid;
