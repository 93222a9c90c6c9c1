-- Whose write an event tells of, if it is the echo of one: the caller, and when that write left.
alter table event add column echo_caller text;
alter table event add column echo_sent_at integer;
