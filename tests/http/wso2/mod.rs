mod governance;
mod tenants;
