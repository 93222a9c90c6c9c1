-- Changes that happen together lie together in the index: with the change alone, which is random, every event touches a
-- page of its own. A change has one moment; what has no record may be without one, and is found by the change alone.
drop index event_change;

create unique index event_change
on event (portal, app, (case when record is null then 0 else occurred_at end), change);
