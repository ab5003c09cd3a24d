//! Where a step's samples come from: drawn ahead for many steps, so that no step waits for a copy from the host.

use std::collections::VecDeque;

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

use super::checkpoint::Place;
use crate::model::from_host;

/// Most steps that are drawn at a time.
const STEPS_AHEAD: usize = 256;
/// Most samples that are drawn at a time, but for one step's.
const SAMPLES_AHEAD: usize = 1 << 16;

/// Supplies of all members of a stack, and what was drawn of them ahead.
pub struct Feed {
    /// One for each member.
    pub supplies: Vec<Supply>,
    /// `[n_steps, n_members * batch_size]` samples on the device, and how many steps of them were shown.
    ahead: Option<(Tensor, i64)>,
}

impl Feed {
    /// Nothing is drawn yet.
    pub fn of(supplies: Vec<Supply>) -> Self {
        Feed { supplies, ahead: None }
    }

    /// A member's supply, to be put elsewhere: what was drawn ahead of all is forgotten.
    ///
    /// # Errors
    ///
    /// If an epoch has no such place.
    pub fn go_to(&mut self, member: usize, place: impl FnOnce() -> Result<Place>) -> Result<()> {
        if self.ahead.take().is_some() {
            for order in self.supplies.iter_mut().filter_map(Supply::order) {
                order.go_to(order.shown)?;
            }
        }
        self.supplies[member].go_to(place)
    }

    /// Samples of the next step, `[n_members * batch_size]`, one member's after the other's; `None` if all see the full batch.
    pub fn next(&mut self, device: Device) -> Option<Tensor> {
        let n_ahead = self.ahead.as_ref().map_or(0, |(samples, shown)| samples.size()[0] - shown);
        if n_ahead == 0 {
            self.ahead = Some((self.draw()?.to_device(device), 0));
        }
        let (samples, shown) = self.ahead.as_mut()?;
        let chosen = samples.get(*shown);
        *shown += 1;
        self.supplies.iter_mut().filter_map(Supply::order).for_each(Order::show);
        Some(chosen)
    }

    /// Samples of the next steps, `[n_steps, n_members * batch_size]`.
    fn draw(&mut self) -> Option<Tensor> {
        let mut orders: Vec<&mut Order> =
            self.supplies.iter_mut().filter_map(Supply::order).collect();
        let size: usize = orders.iter().map(|order| order.batch_size).sum();
        if size == 0 {
            return None;
        }
        let steps = (SAMPLES_AHEAD / size).clamp(1, STEPS_AHEAD);
        let mut chosen: Vec<i64> = Vec::with_capacity(steps * size);
        for _ in 0..steps {
            for order in &mut orders {
                chosen.extend(order.draw());
            }
        }
        Some(from_host(&chosen).view([steps as i64, size as i64]))
    }
}

/// Where the samples of a run's steps come from. What it has to know to go on is its place, which a checkpoint keeps; the loop
/// over steps asks for the next batch and knows nothing else of it.
///
/// What later studies need is a variant each. `Fresh`, for a teacher-student task that is learned online, holds a generator of
/// samples: a batch is that many new inputs and what the teacher says of them, its place is the generator's word position
/// (samples of a set need none, since nothing comes twice), and `Samples` has no training set then, only the fixed set on which
/// responses are judged. `Trials`, for blocked against interleaved trials, holds blocks, each a list of items and a number of
/// trials, and one generator that draws within a block: a batch is one trial or several, its place is the word position before
/// the block and the trials of it already shown, as an epoch's is here. Both keep to `next` and `place`, so that neither the loop
/// nor checkpoints nor stacks see a difference.
pub enum Supply {
    /// Every step sees the whole training set.
    Full,
    /// Minibatches in a random order, drawn anew for each epoch.
    Shuffled(Box<Order>),
}

impl Supply {
    fn order(&mut self) -> Option<&mut Order> {
        match self {
            Supply::Full => None,
            Supply::Shuffled(order) => Some(order),
        }
    }

    /// Minibatches of `n_samples`; after those of another stretch its generator goes on.
    pub fn shuffled(n_samples: usize, size: usize, seed: u64, before: Option<&Supply>) -> Self {
        let mut order = Order::new(n_samples, size, seed);
        if let Some(Supply::Shuffled(before)) = before {
            order.generator.set_word_pos(before.word_after_shown());
            order.start_epoch();
            order.shown = order.place();
        }
        Supply::Shuffled(Box::new(order))
    }

    /// Where in its sequence it stands; `None` if it has none.
    pub fn place(&self) -> Option<Place> {
        match self {
            Supply::Full => None,
            Supply::Shuffled(order) => Some(order.shown),
        }
    }

    /// Goes to where a checkpoint left it, which is asked for that only if there is more than one place.
    ///
    /// # Errors
    ///
    /// If the checkpoint does not say, or an epoch has no such position.
    pub fn go_to(&mut self, place: impl FnOnce() -> Result<Place>) -> Result<()> {
        match self {
            Supply::Full => Ok(()),
            Supply::Shuffled(order) => order.go_to(place()?),
        }
    }
}

/// A random order of the training samples, drawn anew for each epoch by a generator of our own. A batch that an epoch's
/// end leaves short is filled up from the next epoch, so that all batches are equally large. Batches are drawn before they are
/// shown; its place is that of what was shown.
#[derive(Clone)]
pub struct Order {
    generator: ChaCha8Rng,
    batch_size: usize,
    permutation: Vec<i64>,
    position: usize,
    /// The generator's position before this epoch's permutation was drawn.
    epoch_word: u128,
    /// Where it stood after the last batch that was shown.
    shown: Place,
    /// Where it stood after each batch that was drawn and not yet shown.
    drawn: VecDeque<Place>,
}

/// Apart from the stream that draws initial weights.
const ORDER_STREAM: u64 = 1;

impl Order {
    fn new(n_samples: usize, batch_size: usize, seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(ORDER_STREAM);
        let permutation = (0..n_samples as i64).collect();
        let (shown, drawn) = ((0, 0), VecDeque::new());
        let mut order =
            Order { generator, batch_size, permutation, position: 0, epoch_word: 0, shown, drawn };
        order.start_epoch();
        order.shown = order.place();
        order
    }

    fn start_epoch(&mut self) {
        self.epoch_word = self.generator.get_word_pos();
        // From the identity, so that the generator's position alone determines the order.
        self.permutation.sort_unstable();
        self.permutation.shuffle(&mut self.generator);
        self.position = 0;
    }

    fn draw(&mut self) -> Vec<i64> {
        let mut batch = Vec::with_capacity(self.batch_size);
        while batch.len() < self.batch_size {
            if self.position == self.permutation.len() {
                self.start_epoch();
            }
            let end = self.permutation.len().min(self.position + self.batch_size - batch.len());
            batch.extend_from_slice(&self.permutation[self.position..end]);
            self.position = end;
        }
        self.drawn.push_back(self.place());
        batch
    }

    /// Tells that the next of the batches drawn was shown.
    fn show(&mut self) {
        self.shown = self.drawn.pop_front().unwrap_or(self.shown);
    }

    /// The generator's position after the permutation of the last batch that was shown.
    fn word_after_shown(&self) -> u128 {
        if self.drawn.is_empty() {
            return self.generator.get_word_pos();
        }
        let mut there = self.clone();
        there.generator.set_word_pos(self.shown.0);
        there.start_epoch();
        there.generator.get_word_pos()
    }

    /// Where in its sequence the order stands, with what was drawn ahead.
    fn place(&self) -> Place {
        (self.epoch_word, self.position)
    }

    /// Goes to a place that `place` told.
    ///
    /// # Errors
    ///
    /// If an epoch has no such position.
    fn go_to(&mut self, (epoch_word, position): Place) -> Result<()> {
        ensure!(position <= self.permutation.len(), "an epoch has no sample {position}");
        self.generator.set_word_pos(epoch_word);
        self.start_epoch();
        self.position = position;
        self.drawn.clear();
        self.shown = self.place();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(seeds: [u64; 2]) -> Feed {
        Feed::of(seeds.map(|seed| Supply::shuffled(100, 7, seed, None)).into())
    }

    fn next(feed: &mut Feed) -> Vec<i64> {
        Vec::try_from(&feed.next(Device::Cpu).unwrap()).unwrap()
    }

    /// What an order gives that draws each batch when it is asked for.
    fn one_by_one(seed: u64, steps: usize) -> Vec<(Vec<i64>, Place)> {
        let mut order = Order::new(100, 7, seed);
        let batch = |_| {
            let batch = order.draw();
            order.show();
            (batch, order.place())
        };
        (0..steps).map(batch).collect()
    }

    #[test]
    fn what_is_drawn_ahead_is_what_would_be_drawn_step_by_step_and_so_are_places() {
        let steps = 2 * STEPS_AHEAD + 10;
        let (one, other) = (one_by_one(3, steps), one_by_one(4, steps));
        let mut feed = feed([3, 4]);
        for ((batch, place), (other, _)) in one.iter().zip(&other) {
            assert_eq!(next(&mut feed), [batch.clone(), other.clone()].concat());
            assert_eq!(feed.supplies[0].place().as_ref(), Some(place));
        }
    }

    #[test]
    fn a_feed_goes_on_from_any_place_whatever_it_had_drawn() {
        let steps = one_by_one(3, 40);
        for at in [1, 14, 15, 29] {
            let mut feed = feed([3, 3]);
            next(&mut feed);
            for member in 0..2 {
                feed.go_to(member, || Ok(steps[at].1)).unwrap();
            }
            assert_eq!(next(&mut feed)[..7], steps[at + 1].0);
            assert_eq!(next(&mut feed)[7..], steps[at + 2].0);
        }
    }

    #[test]
    fn a_later_stretch_goes_on_where_what_was_shown_ended_not_what_was_drawn() {
        let mut ahead = feed([3, 3]);
        let mut behind = Order::new(100, 7, 3);
        for _ in 0..20 {
            next(&mut ahead);
            behind.draw();
            behind.show();
        }
        let behind = Supply::Shuffled(Box::new(behind));
        let [one, other] = [&ahead.supplies[0], &behind].map(|before| {
            let mut feed = Feed::of(vec![Supply::shuffled(50, 5, 3, Some(before))]);
            (0..30).map(|_| next(&mut feed)).collect::<Vec<_>>()
        });
        assert_eq!(one, other);
    }
}
