//! `ocs human serve`.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Args;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::super::signals;
use crate::human::Server;

/// Show a task that `ocs human task` wrote (with human.page.save=server) in a laboratory, and keep what participants do.
///
/// Each finished day becomes one file, PARTICIPANT-day-N.json, written at once; a second one of the same participant and day gets a
/// name of its own, nothing is replaced. `ocs human import` reads the files. Sessions of another task, of more than 4 MB, or that are
/// no sessions are refused, as are more than 60 a minute from one address.
///
/// Only programs of this machine are answered. --bind opens the server to others, and then sessions are taken only with the token, which
/// participants' links carry (..&token=TOKEN). It speaks HTTP: where others can listen, put it behind a web server with HTTPS.
#[derive(Args)]
pub struct Serve {
    /// Folder that `ocs human task` wrote
    #[arg(value_parser = path())]
    folder: PathBuf,
    /// Folder for sessions
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    data: PathBuf,
    /// 0 = any that is free
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Address to listen at, such as 0.0.0.0
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// What links must carry, 16 to 128 letters and digits
    #[arg(long, env = "OCS_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl Serve {
    pub fn run(self) -> Result<Success> {
        if self.token.is_none() && !self.bind.is_loopback() {
            return Err(misuse(anyhow!(
                "--bind {} opens the server to other machines: give a --token of 16 to 128 letters and digits as well",
                self.bind
            )));
        }
        let interrupted = signals::interrupted_flag()?;
        let server = Server::open(&self.folder, &self.data, (self.bind, self.port), self.token)
            .map_err(misuse)?;
        println!("{}", server.link());
        server.run(&interrupted)?;
        Ok(Success::Full)
    }
}
