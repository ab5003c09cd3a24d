//! Messages on stderr: which, at what time, and whether coloured.

use std::ffi::OsStr;
use std::io;

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoLocal;

use super::bar::StderrBesideBar;

/// Local time, as TZ or the system says, to the second.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// Decides on colours before arguments are parsed, since help has some. Pipes, NO_COLOR, CLICOLOR and CLICOLOR_FORCE are
/// minded by clap already; but a terminal that is dumb stays so in continuous integration, too.
pub fn settle_colours() {
    if is_dumb(std::env::var_os("TERM").as_deref()) && std::env::var_os("CLICOLOR_FORCE").is_none()
    {
        ColorChoice::Never.write_global();
    }
}

/// Starts to tell messages: warnings and errors alone if `quiet`, what RUST_LOG says if it is set.
pub fn start(quiet: bool) {
    let level = if quiet { "warn" } else { "info" };
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let parsed = EnvFilter::try_new(if asked.is_empty() { level } else { &asked });
    let unknown = parsed.as_ref().err().map(ToString::to_string);
    tracing_subscriber::fmt()
        .with_env_filter(parsed.unwrap_or_else(|_| EnvFilter::new(level)))
        .with_timer(ChronoLocal::new(TIME.to_owned()))
        .with_writer(StderrBesideBar::default)
        .with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never)
        .with_target(false)
        .init();
    if let Some(reason) = unknown {
        tracing::warn!(
            "RUST_LOG={asked} is ignored ({reason}): write error, warn, info, debug or trace"
        );
    }
}

/// Whether a terminal of this kind knows no codes, neither for colours nor for moving its cursor.
pub fn is_dumb(term: Option<&OsStr>) -> bool {
    term.is_none_or(|term| term.is_empty() || term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_without_a_kind_are_dumb() {
        assert!([None, Some(""), Some("dumb")].iter().all(|term| is_dumb(term.map(OsStr::new))));
        assert!(!is_dumb(Some(OsStr::new("xterm-256color"))));
    }
}
