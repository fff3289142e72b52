-- Mails to one address, in any case of its letters: a mail counts from its first lease on.
CREATE INDEX outbox_recipient ON outbox (tenant, lower(recipient), issued_at) WHERE issued_at IS NOT NULL;

-- How often an invitation was sent again.
CREATE INDEX audit_resends ON audit (tenant, target, time) WHERE action = 'invitation.resend';

-- The key that signed the link which the user's latest mail carries (User only): what it signed is sent again when it is
-- retired. A resend clears it, and the next mail sets it again.
ALTER TABLE resources ADD COLUMN link_kid TEXT;
UPDATE resources SET link_kid = (SELECT o.kid FROM outbox o WHERE o.tenant = resources.tenant AND o.user_id = resources.id
  AND o.seq = length(resources.seq_log) AND o.template NOT IN ('AccountActivationSuccess', 'NotifyExistingEmailOnUpdate')
  ORDER BY o.id DESC LIMIT 1)
  WHERE delivery IS NOT NULL OR pending_email IS NOT NULL;
CREATE INDEX resources_link_kid ON resources (tenant, link_kid, id)
  WHERE link_kid IS NOT NULL AND (invitation = 'open' OR pending_email IS NOT NULL);
