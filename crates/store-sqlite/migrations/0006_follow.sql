-- Following the log: how far the log of each app is in the mirror of an install.
create table follow_place (
    portal integer not null,
    app integer not null,
    log integer not null,
    place integer not null,
    primary key (portal, app, log)
) strict, without rowid;

-- What is known of a record beside its values in the mirror.
create table followed (
    portal integer not null,
    app integer not null,
    object_type text not null,
    record integer not null,
    version integer not null,
    -- A version byte, then JSON.
    known blob not null,
    primary key (portal, app, object_type, record)
) strict, without rowid;

-- Records that are to be read.
create table wanted (
    portal integer not null,
    app integer not null,
    object_type text not null,
    record integer not null,
    claimed integer not null,
    not_before integer not null,
    due integer not null,
    attempts integer not null,
    primary key (portal, app, object_type, record)
) strict, without rowid;

create index wanted_by_due on wanted (portal, app, claimed, due);

create index wanted_by_type on wanted (portal, app, claimed, object_type, due);
