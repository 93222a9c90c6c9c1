-- How far each subscriber has come in each log. The row of portal 0 and app 0 says that a subscriber is known.
create table subscriber (
    portal integer not null,
    app integer not null,
    name text not null,
    revision integer not null,
    place integer not null,
    dead integer not null,
    -- A version byte, then JSON.
    state blob not null,
    primary key (portal, app, name)
) strict, without rowid;

-- Deliveries that were given up, by their first event.
create table dead_delivery (
    portal integer not null,
    app integer not null,
    name text not null,
    first integer not null,
    -- A version byte, then JSON.
    body blob not null,
    primary key (portal, app, name, first)
) strict, without rowid;
