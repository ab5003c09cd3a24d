//! The dip of the top level's true negative rate, of one participant.
//!
//! The lowest of several noisy rates is lower than its own mean: who looks for a dip finds one. So each dip is found on every
//! second trial of the blocks and measured on the others, and the other way round, and the mean of both is told. A rate that is
//! the same in all blocks then has dips of 0 on average, and one that only rises has negative ones.

use serde::Serialize;

use super::block::{Block, half_rate};
use super::tree::Taught;
use super::trials::Trials;

/// A dip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dip {
    /// How far the rate falls below the lower one of its first and its last block; negative where it does not.
    pub value: f64,
    /// `value` and 1.96 standard errors.
    pub low: f64,
    /// Likewise.
    pub high: f64,
    /// The rate in the first block.
    pub first: f64,
    /// The rate where it is lowest.
    pub lowest: f64,
    /// The rate in the last block.
    pub last: f64,
    /// Trials before the middle of the block in which it is lowest; the mean of the two halves' blocks.
    pub time: f64,
}

/// Blocks that rates are compared of: with half as many trials as a block has, at least, and a rate of the top level.
pub fn compared(blocks: &[Block], size: usize) -> impl Iterator<Item = (&Block, f64)> {
    let is_long = move |block: &&Block| 2 * (block.trials - block.missed) >= size;
    let rate = |block: &Block| block.true_negative_rate.first().copied().flatten();
    blocks.iter().filter(is_long).filter_map(move |block| Some((block, rate(block)?)))
}

/// Variance of a rate over so many trials, which is at most that of marks; with two marks of each kind more (Agresti and Coull
/// 1998), so that a rate of 0 or 1 has one, too.
fn variance(rate: f64, trials: usize) -> f64 {
    let n = trials as f64 + 4.0;
    let share = (rate * trials as f64 + 2.0) / n;
    share * (1.0 - share) / n
}

/// The dip of a participant; `None` of fewer than three blocks.
pub fn dip(trials: &Trials, blocks: &[Block], taught: &Taught, size: usize) -> Option<Dip> {
    let compared: Vec<(&Block, f64)> = compared(blocks, size).collect();
    let [(first_block, first), between @ .., (last_block, last)] = &compared[..] else {
        return None;
    };
    let halves: Vec<[Option<f64>; 2]> = between
        .iter()
        .map(|(block, _)| [0, 1].map(|from| half_rate(trials, block.range, taught, from)))
        .collect();
    let found: Vec<(f64, &Block)> = [0, 1]
        .into_iter()
        .filter_map(|half: usize| {
            let told = halves
                .iter()
                .enumerate()
                .filter_map(|(at, rates)| Some((at, rates[half]?, rates[1 - half]?)));
            let (at, _, rate) = told.min_by(|one, other| one.1.total_cmp(&other.1))?;
            Some((rate, between[at].0))
        })
        .collect();
    if found.is_empty() {
        return None;
    }
    let mean =
        |of: fn(&(f64, &Block)) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
    let lowest = mean(|(rate, _)| *rate);
    let answered = |block: &Block| block.trials - block.missed;
    let (shore, shore_block) =
        if first <= last { (*first, first_block) } else { (*last, last_block) };
    let noise = variance(shore, answered(shore_block))
        + variance(lowest, answered(found[0].1).min(answered(found[found.len() - 1].1)));
    let (value, error) = (shore - lowest, 1.96 * noise.sqrt());
    Some(Dip {
        value,
        low: value - error,
        high: value + error,
        first: *first,
        lowest,
        last: *last,
        time: mean(|(_, block)| block.time),
    })
}
