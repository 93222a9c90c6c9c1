-- Promised writes are tried again at a due time, with their history, and those that end without success are dead letters:
-- they keep headers and body, a reason, and, once edited, the body that was first promised.
alter table promise add column tries integer not null default 0;
alter table promise add column due_at integer not null default 0;
alter table promise add column past blob;
alter table promise add column status integer;
alter table promise add column dead integer not null default 0;
alter table promise add column reason blob;
alter table promise add column first_body blob;

drop index promise_by_end;
create index promise_by_end on promise (portal, app, ended_at) where dead = 0;

create index promise_dead on promise (portal, app, seq) where dead = 1;
create index promise_dead_by_end on promise (portal, app, ended_at) where dead = 1;
