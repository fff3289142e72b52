//! Latchkey's command-line tool: keys, settings from WSO2, people from a file, API tokens, what is stored about a person.
//!
//! The package is `latchkey-cli`, the binary `latchkey`: `cargo run -p latchkey-cli -- --help`. What it asks of a deployment
//! goes through the HTTP interface; keys and settings are made without one.

mod client;
mod import;
mod keys;
mod privacy;
mod settings;
mod tokens;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Credentials come from the environment, where other users of the machine do not see them:
  LATCHKEY_TOKEN                   an API token (lk_...), or
  LATCHKEY_USER, LATCHKEY_PASSWORD an administrator's name and password
LATCHKEY_URL can stand for --url.

In a checkout: cargo run -p latchkey-cli -- <COMMAND>";

/// Invite users at the edge: the command-line tool
#[derive(Parser)]
#[command(name = "latchkey", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key for the secret TOKEN_KEYS
    Keys(keys::Arguments),
    /// A tenant's settings
    #[command(subcommand)]
    Settings(settings::Command),
    /// Invite everybody in a CSV file
    Import(import::Arguments),
    /// API tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Print everything that is stored about a person, as JSON
    Privacy(privacy::Arguments),
}

/// What a command comes to: whether everything went well, or why it did not begin or end.
type Outcome = Result<bool, String>;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Settings(command) => settings::run(&command),
        Command::Import(arguments) => import::run(&arguments),
        Command::Tokens(command) => tokens::run(&command),
        Command::Privacy(arguments) => privacy::run(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("latchkey: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output. Whoever reads may stop at any time: that is not an error.
fn print(text: &str) -> Result<(), String> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}
