//! WSO2's interfaces, translated onto the rooms: what its clients send and read, and its configuration file.

#[cfg(not(target_arch = "wasm32"))]
pub mod deployment_toml;
