mod email_templates;
mod tenants;
