//! What the rooms talk about: tenants, settings, the deployment, user stores, resources, and the context of a request.

pub mod administrator;
pub mod api_token;
pub mod attempts;
pub mod audit;
pub mod caches;
pub mod code;
pub mod context;
pub mod deployment;
pub mod job;
pub mod logo;
pub mod mail;
pub mod mail_template;
pub mod member;
pub mod new_resource;
pub mod registration;
pub mod resource;
pub mod role;
pub mod schemas;
pub mod settings;
pub mod tenant;
pub mod user_stores;
pub mod zone;
