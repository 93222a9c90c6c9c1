-- What HubSpot has told: written before it is acknowledged, never changed.
create table event (
    portal integer not null,
    app integer not null,
    place integer not null,
    teller integer not null,
    occurred_at integer not null,
    received_at integer not null,
    kind text not null,
    object_type text,
    record integer,
    property text,
    delivery blob not null,
    change blob not null,
    -- A version byte, then the event byte for byte.
    body blob not null,
    primary key (portal, app, place)
) strict, without rowid;

-- A change is in the log once.
create unique index event_change on event (portal, app, change);

-- The strongest signature that an app has used; its portal is 0.
create table signed (
    portal integer not null,
    app integer not null,
    scheme integer not null,
    primary key (portal, app)
) strict, without rowid;
