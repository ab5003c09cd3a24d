//! Lines that cannot be seen, since others lie upon them.

use crate::plot::axis::Axis;
use crate::plot::curve::Curve;

/// A line that later ones of its panel hide: number of the panel, of the line, and of the first one that lies upon it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hidden {
    pub panel: usize,
    pub line: usize,
    pub by: usize,
}

/// Lines upon which others lie all along; `curves` are of groups, seeds and panels, `axes` upwards of each panel.
pub fn hidden(curves: &[Vec<Vec<Curve>>], axes: &[Axis]) -> Vec<Hidden> {
    let of_panel = |(panel, axis): (usize, &Axis)| {
        let of_group = |seeds: &Vec<Vec<Curve>>| seeds.first()?.get(panel).cloned();
        let firsts: Vec<Option<Curve>> = curves.iter().map(of_group).collect();
        let found = (0..firsts.len()).filter_map(|line| {
            let lower = firsts[line].as_ref()?;
            let is_upon = |by: &usize| {
                firsts[*by].as_ref().is_some_and(|upper| lies_upon(lower, upper, axis))
            };
            let by = (line + 1..firsts.len()).find(is_upon)?;
            Some(Hidden { panel, line, by })
        });
        found.collect::<Vec<_>>()
    };
    axes.iter().enumerate().flat_map(of_panel).collect()
}

/// Whether two curves are nearer to each other than a hundredth of their panel, wherever both are.
fn lies_upon(one: &Curve, other: &Curve, axis: &Axis) -> bool {
    /// Fewer points in common say nothing.
    const LEAST: usize = 5;
    let places = |curve: &Curve| -> Vec<(f64, f64)> {
        let points = curve.points.iter();
        points.filter_map(|(x, y)| Some((*x, axis.position((*y)?)?))).collect()
    };
    let (one, other) = (places(one), places(other));
    let between = |(x, y): &(f64, f64)| -> Option<f64> {
        let after = other.iter().position(|point| point.0 >= *x)?;
        let (x1, y1) = other[after];
        let (x0, y0) = other[after.checked_sub(1)?];
        Some((y0 + (x - x0) / (x1 - x0) * (y1 - y0) - y).abs())
    };
    let apart: Vec<f64> = one.iter().filter_map(between).collect();
    apart.len() >= LEAST && apart.iter().all(|apart| *apart <= 0.01)
}
