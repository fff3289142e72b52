mod codes;
mod email_templates;
mod governance;
mod tenants;
