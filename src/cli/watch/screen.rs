//! A terminal that is drawn on again and again, and given back as it was.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::frame::{Shown, draw};
use super::runs::Runs;
use crate::cli::signals;
use crate::sweep::files_of_run;

/// Longest wait for a key, so that signals are heard.
const LISTEN: Duration = Duration::from_millis(200);
const KEYS: &str = "q ends, right and left (n, p) another run";

/// Gives the terminal back, however this ends.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Draws the chosen run until somebody wants it to end, and looks `every` so often whether there is something new.
///
/// # Errors
///
/// If the terminal cannot be drawn on, the first record cannot be read, or a signal came.
pub fn show(runs: &mut Runs, every: Duration) -> Result<()> {
    let interrupted = signals::interrupted_flag()?;
    let mut shown = runs.look()?;
    let mut terminal =
        ratatui::try_init().context("this terminal cannot be drawn on: --once prints a frame")?;
    let _restored = Restored;
    let mut seen = files(runs);
    let mut looked = Instant::now();
    loop {
        terminal.draw(|frame| draw(frame, &shown, KEYS))?;
        let mut is_new = false;
        while !is_new {
            if interrupted.load(Ordering::Relaxed) {
                bail!("interrupted");
            }
            ensure!(!is_gone_within(LISTEN.min(every)), "the terminal is gone");
            if event::poll(Duration::ZERO)? {
                match event::read()? {
                    Event::Key(key) => match asked(key) {
                        Some(Asked::End) => return Ok(()),
                        Some(Asked::Turn { forwards }) => {
                            runs.turn(forwards);
                            is_new = true;
                        }
                        None => {}
                    },
                    Event::Resize(..) => is_new = true,
                    _ => {}
                }
            }
            if looked.elapsed() >= every {
                looked = Instant::now();
                let now = files(runs);
                is_new |= now != seen;
            }
        }
        seen = files(runs);
        shown = look(runs);
    }
}

/// Waits so long for a key, and says whether the terminal was closed: whoever asked that one for keys would wait for ever.
fn is_gone_within(wait: Duration) -> bool {
    let stdout = io::stdout();
    let mut terminal = [PollFd::new(&stdout, PollFlags::IN)];
    let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()).max(1_000_000) };
    // A signal ends the wait, and nothing is known then.
    let heard = poll(&mut terminal, Some(&wait)).unwrap_or(0);
    heard > 0 && terminal[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// What is known now. What was just being replaced can be read a moment later; what cannot is told.
fn look(runs: &Runs) -> Shown {
    let again = |_| {
        std::thread::sleep(LISTEN);
        runs.look()
    };
    let looked = runs.look().or_else(again);
    looked.unwrap_or_else(|error| Shown { who: Some(format!("{error:#}")), ..runs.unseen() })
}

fn files(runs: &Runs) -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
    let (condition, seed) = runs.chosen();
    files_of_run(&runs.folder, condition, seed)
}

enum Asked {
    End,
    Turn { forwards: bool },
}

fn asked(key: KeyEvent) -> Option<Asked> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if with_control => Some(Asked::End),
        KeyCode::Char('q') | KeyCode::Esc => Some(Asked::End),
        KeyCode::Right | KeyCode::Char('n') => Some(Asked::Turn { forwards: true }),
        KeyCode::Left | KeyCode::Char('p') => Some(Asked::Turn { forwards: false }),
        _ => None,
    }
}
