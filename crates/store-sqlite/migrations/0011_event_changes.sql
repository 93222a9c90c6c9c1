-- Which changes are in the log, in a table of its own: it is filled behind the log and in its own order, so that an
-- event that comes in touches the log's last page and no other.
drop index event_change;

create table event_change (
    portal integer not null,
    app integer not null,
    -- When it happened; 0 if it is about no record, as such an event may be without a moment.
    moment integer not null,
    change blob not null,
    place integer not null,
    primary key (portal, app, moment, change)
) strict, without rowid;

insert into event_change (portal, app, moment, change, place)
select portal, app, (case when record is null then 0 else occurred_at end), change, place
from event
order by 1, 2, 3, 4;

-- Up to this place of a log, all events are in `event_change`; of those behind it, some.
create table event_settled (
    portal integer not null,
    app integer not null,
    place integer not null,
    primary key (portal, app)
) strict, without rowid;

insert into event_settled (portal, app, place)
select portal, app, max(place)
from event
group by portal, app;
