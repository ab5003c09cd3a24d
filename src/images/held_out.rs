//! A test part for images that have none: some of each class, drawn by a seed.

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::parts::Options;

/// Of five images, one is held out.
const SHARE: f64 = 0.2;

/// Which images are trained on and which are held out, both in their order.
///
/// # Errors
///
/// If a class has too few.
pub fn split(classes: &[u16], options: &Options, names: &[String]) -> Result<[Vec<usize>; 2]> {
    let share = options.held_out.unwrap_or(SHARE);
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut of_classes = vec![Vec::new(); names.len()];
    for (image, &class) in classes.iter().enumerate() {
        of_classes[usize::from(class)].push(image);
    }
    let [mut train, mut test] = [Vec::new(), Vec::new()];
    for (class, mut images) in of_classes.into_iter().enumerate() {
        ensure!(
            images.len() >= 2,
            "class {} has {} image(s), of which none can be held out as a test part: give it two or more, or give a test part",
            names[class],
            images.len()
        );
        images.shuffle(&mut random);
        let n_held = ((images.len() as f64 * share).round() as usize).clamp(1, images.len() - 1);
        test.extend(images.drain(..n_held));
        train.extend(images);
    }
    train.sort_unstable();
    test.sort_unstable();
    Ok([train, test])
}
