mod codes;
mod tenants;
