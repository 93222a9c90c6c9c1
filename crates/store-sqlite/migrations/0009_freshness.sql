-- How HubSpot wrote a record down when all of it was read at once, and when that was: a version byte, then JSON.
alter table mirror add column body blob;

-- How often an install has been followed from the start of a process.
create table follow_start (
    portal integer not null,
    app integer not null,
    starts integer not null,
    primary key (portal, app)
) strict, without rowid;

-- For other programs that read: these names and columns stay, whatever becomes of the tables.
create view records as
select mirror.portal, mirror.app, mirror.object_type, mirror.record as id,
    cast(substr(mirror.properties, 2) as text) as properties,
    mirror.updated_at, mirror.archived,
    json_extract(cast(substr(followed.known, 2) as text), '$.read.as_of_ms') as complete_until
from mirror
left join followed on followed.portal = mirror.portal and followed.app = mirror.app
    and followed.object_type = mirror.object_type and followed.record = mirror.record;

create view record_values as
select records.portal, records.app, records.object_type, records.id, records.archived,
    property.key as property, property.value as value
from records, json_each(records.properties) as property;
