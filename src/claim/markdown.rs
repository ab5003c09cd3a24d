//! Claims as people read them.

use super::{Claim, Verdict};

/// CLAIMS.md: a table an experiment. `origins` says for each stem where its numbers come from.
pub fn to_markdown(claims: &[Claim], origins: &[(String, String)]) -> String {
    let count = |verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
    let refuted = match count(Verdict::Refuted) {
        0 => String::new(),
        some => format!(" {some} are predictions that were refuted,"),
    };
    let mut text = format!(
        "# Claims\n\nWritten by `ocs reproduce` from the records of its runs. {} hold, {} fail,{refuted} {} are reported without a claim.\n\
         Measured: mean ± standard deviation [min, max] over runs. A negative control says that something does not happen.\n",
        count(Verdict::Holds),
        count(Verdict::Fails),
        count(Verdict::Reported)
    );
    for (stem, origin) in origins {
        text.push_str(&format!("\n## {stem}\n\n{origin}\n\n![{stem}]({stem}.png)\n\n"));
        text.push_str("| claim | measured | criterion | verdict | at other thresholds | id |\n|---|---|---|---|---|---|\n");
        for claim in claims.iter().filter(|claim| claim.experiment == *stem) {
            let control = if claim.control { "**Negative control.** " } else { "" };
            text.push_str(&format!(
                "| {control}{} | {} | {} | {} | {} | `{}` |\n",
                claim.sentence,
                claim.measured.words().replace('|', "\\|"),
                claim.criterion.replace('|', "\\|"),
                claim.verdict.word(),
                claim.sensitivity,
                claim.id
            ));
        }
    }
    text
}
