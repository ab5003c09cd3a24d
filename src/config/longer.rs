//! When is a config another one with more steps, so that its runs can go on from where the others ended?

use super::Config;

impl Config {
    /// Whether this says what `before` says, but for seeds and a longer end: more `training.steps`, or of `phases` more `steps`
    /// of the last one. All that was done up to the end of `before` is then what this asks for.
    ///
    /// Not so where what is done hangs on the end: see `fixed_end`.
    pub fn is_longer_than(&self, before: &Config) -> bool {
        if self.fixed_end().is_some() || self.total_steps() <= before.total_steps() {
            return false;
        }
        self.with_end_of(before)
            == Config { seeds: self.seeds.clone(), ..before.with_pages_of(self) }
    }

    /// With another config's pages for people and rules for their data: no run depends on them.
    pub fn with_pages_of(&self, other: &Config) -> Config {
        let mut config = self.clone();
        if let (Some(own), Some(others)) = (&mut config.human, &other.human) {
            own.page.clone_from(&others.page);
            own.exclude.clone_from(&others.exclude);
        }
        config
    }

    /// Which runs cannot be given more steps, and why, if these are such.
    pub fn fixed_end(&self) -> Option<&'static str> {
        if self.kernel.is_some() {
            return Some(
                "runs with a `kernel` cannot be given more steps: what the first kernel foretells is told up to their end",
            );
        }
        let stretches = self.stretches().ok()?;
        let is_open_ended = stretches.last()?.span.schedule.is_open_ended();
        (!is_open_ended).then_some(
            "runs under training.schedule cosine or linear cannot be given more steps: those that are done would have had other rates; \
             constant and step can",
        )
    }

    /// The same, as long as `other`: what is left that differs is more than the length.
    pub fn with_end_of(&self, other: &Config) -> Config {
        let mut as_long = self.clone();
        let last = as_long.phases.len().saturating_sub(1);
        // Phases that do not say their length themselves are all as long as this.
        let says_only_the_last =
            as_long.phases.iter().take(last).all(|phase| phase.steps.is_some());
        if says_only_the_last {
            as_long.training.steps = other.training.steps;
        }
        if let (Some(own), Some(others)) = (as_long.phases.last_mut(), other.phases.last()) {
            own.steps = others.steps;
        }
        as_long
    }
}
