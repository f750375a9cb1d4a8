-- What the secret key that this database belongs to makes of a text that never changes: with another key nothing that is
-- encrypted here can be read. Null until a server has written it down.
ALTER TABLE installation ADD COLUMN key_mark TEXT;
