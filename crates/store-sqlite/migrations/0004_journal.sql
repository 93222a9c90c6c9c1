-- Which other tellers have told a change since: the sum of 1 << teller.
alter table event add column also integer not null default 0;

-- How far an app's journal has been read; its portal is 0.
create table journal (
    portal integer not null,
    app integer not null,
    place text,
    began_at integer not null,
    read_until integer,
    asked_at integer,
    gap_from integer,
    gap_until integer,
    primary key (portal, app)
) strict, without rowid;

-- Up to which place of a log webhooks and journal have been compared.
create table journal_compared (
    portal integer not null,
    app integer not null,
    place integer not null,
    primary key (portal, app)
) strict, without rowid;
