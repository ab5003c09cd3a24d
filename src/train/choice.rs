//! Which kind of stack trains a network.

use anyhow::{Context, Result, ensure};
use tch::Device;

use super::checkpoint::Checkpoint;
use super::linear::LinearStack;
use super::member::Member;
use super::nonlinear::NonlinearStack;
use super::stack::{Stack, Watched};

/// Members at their first step, or where their checkpoints left them.
pub fn stack(members: &[Member], device: Device, watched: Watched) -> Result<Box<dyn Stack>> {
    let first = members.first().context("a stack has members")?;
    let step = first.resumed.map(Checkpoint::step);
    ensure!(
        members.iter().all(|member| member.resumed.map(Checkpoint::step) == step),
        "members of a stack go on from one step"
    );
    let lesson = first.lessons.first().context("a run has a stretch")?;
    let mut stack: Box<dyn Stack> = if lesson.config.network.kind.is_linear() {
        Box::new(LinearStack::new(members, device, watched)?)
    } else {
        Box::new(NonlinearStack::new(members, device, watched)?)
    };
    let Some(step) = step else { return Ok(stack) };
    let stretch = first.stretch_at(step);
    if stretch > 0 {
        stack.turn(members, stretch)?;
    }
    for (index, member) in members.iter().enumerate() {
        let Some(checkpoint) = member.resumed else { continue };
        checkpoint.ensure_fits(member.seed, member.steps())?;
        stack.restore(index, checkpoint)?;
    }
    stack.go_to(step, step - first.optimiser_since(stretch));
    Ok(stack)
}
