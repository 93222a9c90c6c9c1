-- Writes that the gateway has promised to make. `state`: 0 accepted, 1 sent, 2 answered, 3 unknown, 4 given up.
create table promise (
    portal integer not null,
    app integer not null,
    seq integer not null,
    id text not null,
    caller text not null,
    idempotency_key text,
    digest blob not null,
    acknowledged integer not null,
    accepted_at integer not null,
    state integer not null,
    ended_at integer,
    request blob not null,
    request_body blob not null,
    ending blob,
    answer_body blob,
    primary key (portal, app, seq)
) strict;

create unique index promise_by_id on promise (portal, app, id);

-- Nulls differ from each other: writes without a key never meet.
create unique index promise_by_key on promise (portal, app, caller, idempotency_key);

create index promise_by_state on promise (portal, app, state, seq);

create index promise_by_end on promise (portal, app, ended_at);
