//! Text as one word of a shell, or of an `#SBATCH` line.

use anyhow::{Result, ensure};

/// One word for bash, in quotes where it needs them.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path as the value of an `#SBATCH` option that Slurm takes for a pattern: `%` of the folder are written twice, those of
/// `pattern` behind it are Slurm's.
///
/// # Errors
///
/// If it holds what no `#SBATCH` line can carry.
pub(super) fn sbatch_path(folder: &str, pattern: &str) -> Result<String> {
    ensure!(
        !folder.chars().any(|c| c.is_control() || "\"'\\`$".contains(c)),
        "'{}' cannot stand in a batch script: choose another folder with --out, without quotes, backslashes, `$` and line ends",
        folder.escape_debug()
    );
    Ok(quoted(&format!("{}{pattern}", folder.replace('%', "%%"))))
}

/// In double quotes where it holds a blank or what begins a comment.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().any(|c| c.is_whitespace() || c == '#') {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}
