//! Abstract shapes, no two alike, that say nothing of a tree.

use std::f64::consts::TAU;
use std::fmt::Write;

use rand::Rng;

/// Distances of the outline from the centre, at evenly spaced angles.
type Outline = Vec<f64>;

const POINTS: usize = 180;
/// Waves around the outline.
const WAVES: std::ops::RangeInclusive<usize> = 2..=7;
/// Shapes that are drawn for each that is taken.
const CANDIDATES: usize = 40;
/// Of many shapes fewer are drawn for each, two at least: the time is that of all pairs.
const MOST_CANDIDATES: usize = 2000;

/// `count` outlines, each one that of `CANDIDATES` times as many which is farthest from all that were taken before.
pub fn outlines(count: usize, random: &mut impl Rng) -> Vec<Outline> {
    let n_drawn = (count * CANDIDATES).min(MOST_CANDIDATES.max(2 * count));
    let candidates: Vec<Outline> = (0..n_drawn).map(|_| outline(random)).collect();
    let mut taken: Vec<usize> = Vec::with_capacity(count);
    // Of each candidate, to the nearest that is taken.
    let mut nearest = vec![f64::INFINITY; candidates.len()];
    for _ in 0..count {
        let Some(next) =
            (0..candidates.len()).max_by(|&one, &other| nearest[one].total_cmp(&nearest[other]))
        else {
            break;
        };
        taken.push(next);
        for (index, candidate) in candidates.iter().enumerate() {
            nearest[index] = nearest[index].min(distance(candidate, &candidates[next]));
        }
    }
    taken.into_iter().map(|index| candidates[index].clone()).collect()
}

fn outline(random: &mut impl Rng) -> Outline {
    let waves: Vec<(f64, f64, f64)> = WAVES
        .map(|wave| (wave as f64, random.random_range(0.0..0.3), random.random_range(0.0..TAU)))
        .collect();
    let radius = |point: usize| {
        let angle = point as f64 / POINTS as f64 * TAU;
        let sum: f64 =
            waves.iter().map(|(wave, size, phase)| size * (wave * angle + phase).cos()).sum();
        sum.exp()
    };
    let radii: Outline = (0..POINTS).map(radius).collect();
    let largest = radii.iter().copied().fold(0.0, f64::max);
    radii.iter().map(|radius| radius / largest).collect()
}

/// Root mean square of the difference of two outlines, whichever way the one is turned.
pub fn distance(one: &[f64], other: &[f64]) -> f64 {
    /// Turned by two degrees times this.
    const STEP: usize = 3;
    let turned = |by: usize| {
        let pairs = one.iter().zip(other.iter().cycle().skip(by));
        pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / one.len() as f64
    };
    (0..one.len()).step_by(STEP).map(turned).fold(f64::INFINITY, f64::min).sqrt()
}

/// The outline as a picture.
pub fn svg(outline: &[f64]) -> String {
    const SIZE: f64 = 200.0;
    const RADIUS: f64 = 94.0;
    let mut path = String::new();
    for (index, radius) in outline.iter().enumerate() {
        let angle = index as f64 / outline.len() as f64 * TAU;
        let (x, y) = (
            radius * angle.cos() * RADIUS + SIZE / 2.0,
            radius * angle.sin() * RADIUS + SIZE / 2.0,
        );
        let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIZE} {SIZE}\" width=\"{SIZE}\" height=\"{SIZE}\"><path d=\"{path}Z\" fill=\"#3b4754\"/></svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::human::resample::random;

    #[test]
    fn a_shape_turned_by_any_angle_is_itself() {
        let shape = outline(&mut random(0, 1));
        let mut turned = shape.clone();
        turned.rotate_left(60);
        assert!(distance(&shape, &turned) < 1e-12);
    }

    #[test]
    fn shapes_that_are_taken_differ_more_than_shapes_as_they_come() {
        let nearest = |shapes: &[Outline]| {
            let pairs = (0..shapes.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
            pairs
                .map(|(one, other)| distance(&shapes[one], &shapes[other]))
                .fold(f64::INFINITY, f64::min)
        };
        for seed in 0..3 {
            let taken = outlines(8, &mut random(seed, 1));
            let mut drawn = random(seed, 2);
            let drawn: Vec<Outline> = (0..8).map(|_| outline(&mut drawn)).collect();
            assert_eq!(taken.len(), 8);
            assert!(
                nearest(&taken) > 1.3 * nearest(&drawn),
                "{} {}",
                nearest(&taken),
                nearest(&drawn)
            );
            assert_eq!(svg(&taken[0]), svg(&outlines(8, &mut random(seed, 1))[0]));
        }
    }
}
