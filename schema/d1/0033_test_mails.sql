-- How many test mails somebody has sent themselves lately is counted in the audit.
CREATE INDEX audit_test_mails ON audit (tenant, target, time) WHERE action = 'mail.test';
