-- What an administrator looks for in the outbox: the mails that are not simply under way or sent.
CREATE INDEX outbox_ended ON outbox (tenant, state, id)
  WHERE state IN ('deferred', 'unknown', 'failed', 'dropped', 'bounced', 'complained');
