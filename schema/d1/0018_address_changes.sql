-- How often users asked for another address of their own.
CREATE INDEX audit_address_changes ON audit (tenant, target, time) WHERE action = 'user.address';
