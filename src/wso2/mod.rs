//! WSO2 Identity Server's endpoints besides SCIM: a thin translation of its bodies and error codes onto the rooms above.
//! What is the same, what is better and why is in `docs/wso2.md`.

pub mod codes;
pub mod connectors;
pub mod deployment_toml;
pub mod email_templates;
pub mod error;
pub mod governance;
pub mod tenants;
