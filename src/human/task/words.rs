//! Words that mean nothing.

use rand::Rng;
use rand::seq::IndexedRandom;

const ONSETS: [&str; 16] =
    ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "bl", "tr"];
const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
const ENDS: [&str; 6] = ["b", "k", "l", "n", "r", "t"];

/// Two words differ in so many letters at least, as long as there are such.
const APART: usize = 3;

/// `count` pronounceable words of two syllables, no two alike: they differ by three edits at least where that can be had, and their
/// first syllables differ.
pub fn made_up(count: usize, random: &mut impl Rng) -> Vec<String> {
    const PATIENCE: usize = 200;
    let mut words: Vec<String> = Vec::with_capacity(count);
    let (mut apart, mut failures) = (APART, 0);
    while words.len() < count {
        let word = word(random);
        let is_apart = |other: &String| {
            strsim::levenshtein(other, &word) >= apart && (apart < APART || other[..2] != word[..2])
        };
        if words.iter().all(is_apart) {
            words.push(word);
        } else {
            failures += 1;
        }
        // Many words stand nearer to each other; a thousand are still all different.
        if failures > PATIENCE * (words.len() + 1) && apart > 1 {
            (apart, failures) = (apart - 1, 0);
        }
    }
    words
}

fn word(random: &mut impl Rng) -> String {
    let mut pick = |of: &[&'static str]| of.choose(random).copied().unwrap_or_default();
    [pick(&ONSETS), pick(&VOWELS), pick(&ONSETS[..14]), pick(&VOWELS), pick(&ENDS)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::human::resample::random;

    #[test]
    fn words_are_pronounceable_the_same_by_seed_and_no_two_alike() {
        for seed in 0..5 {
            let words = made_up(14, &mut random(seed, 1));
            assert_eq!(words, made_up(14, &mut random(seed, 1)));
            for (index, word) in words.iter().enumerate() {
                assert!((5..=6).contains(&word.len()) && word.is_ascii(), "{word}");
                let vowels = word.chars().filter(|c| "aeiou".contains(*c)).count();
                assert_eq!(vowels, 2, "{word}");
                for other in &words[..index] {
                    assert!(strsim::levenshtein(word, other) >= 3, "{word} and {other}");
                    assert_ne!(word[..2], other[..2]);
                }
            }
        }
        assert_ne!(made_up(14, &mut random(0, 1)), made_up(14, &mut random(1, 1)));
    }

    #[test]
    fn a_thousand_words_are_still_all_different() {
        let words = made_up(1000, &mut random(0, 1));
        let different: std::collections::BTreeSet<&String> = words.iter().collect();
        assert_eq!(different.len(), 1000);
    }
}
