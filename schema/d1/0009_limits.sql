-- Mails to one address, in any case of its letters: a mail counts from its first lease on.
CREATE INDEX outbox_recipient ON outbox (tenant, lower(recipient), issued_at) WHERE issued_at IS NOT NULL;
