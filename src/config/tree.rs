//! Trees as nested lists, read within bounds.

use std::cell::Cell;
use std::fmt;

use anyhow::{Result, bail};
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A deeper tree has more levels than a figure could show curves.
pub(super) const MOST_LEVELS: usize = 64;
/// More items would not fit into memory.
pub(super) const MOST_ITEMS: usize = 65_536;
/// Labels are nodes below the root: a binary tree has twice as many as items.
pub(super) const MOST_LABELS: usize = 2 * MOST_ITEMS;

/// A tree as nested lists; leaves are items.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Tree {
    /// An item's number.
    Leaf(usize),
    /// A node and its children.
    Node(Vec<Tree>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Below { level: 0, nodes: &Cell::new(0) }.deserialize(deserializer)
    }
}

/// Reads what stands below a level, and counts levels and nodes while it does.
#[derive(Clone, Copy)]
struct Below<'a> {
    level: usize,
    nodes: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an item's number or a list of them")
    }

    fn visit_u64<E: serde::de::Error>(self, item: u64) -> Result<Tree, E> {
        usize::try_from(item).map(Tree::Leaf).map_err(|_| E::custom("its numbers are too large"))
    }

    fn visit_f64<E: serde::de::Error>(self, item: f64) -> Result<Tree, E> {
        let is_item = item >= 0.0 && item.fract() == 0.0 && item < MOST_LABELS as f64;
        let found = serde::de::Unexpected::Float(item);
        if is_item { Ok(Tree::Leaf(item as usize)) } else { Err(E::invalid_type(found, &self)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        if self.level == MOST_LEVELS {
            return Err(A::Error::custom(format!("a tree has at most {MOST_LEVELS} levels")));
        }
        let below = Below { level: self.level + 1, ..self };
        let mut children = Vec::new();
        while let Some(child) = list.next_element_seed(below)? {
            self.nodes.set(self.nodes.get() + 1);
            if self.nodes.get() > MOST_LABELS {
                return Err(A::Error::custom(format!("a tree has at most {MOST_LABELS} labels")));
            }
            children.push(child);
        }
        Ok(Tree::Node(children))
    }
}

impl Tree {
    /// Items in the order of the leaves.
    pub(super) fn leaves(&self) -> Vec<usize> {
        match self {
            Tree::Leaf(item) => vec![*item],
            Tree::Node(children) => children.iter().flat_map(Tree::leaves).collect(),
        }
    }

    pub(super) fn has_an_empty_node(&self) -> bool {
        match self {
            Tree::Leaf(_) => false,
            Tree::Node(children) => {
                children.is_empty() || children.iter().any(Tree::has_an_empty_node)
            }
        }
    }

    /// Levels below the deepest leaf and above the nearest, the root being level 0.
    fn depths(&self) -> (usize, usize) {
        let Tree::Node(children) = self else { return (0, 0) };
        let of_children = children.iter().map(Tree::depths);
        let (deepest, nearest) =
            of_children.fold((0, usize::MAX), |all, one| (all.0.max(one.0), all.1.min(one.1)));
        (deepest + 1, nearest.saturating_add(1))
    }

    /// The same with every leaf `depth` levels below: a nearer one stands for itself on each level in between.
    fn levelled(&self, depth: usize) -> Tree {
        match self {
            Tree::Leaf(_) if depth == 0 => self.clone(),
            Tree::Leaf(_) => Tree::Node(vec![self.levelled(depth - 1)]),
            Tree::Node(children) => {
                let below = depth.saturating_sub(1);
                Tree::Node(children.iter().map(|child| child.levelled(below)).collect())
            }
        }
    }

    /// Refuses a tree in which an item has no label on some level.
    pub(super) fn ensure_level(&self, loss: &str) -> Result<()> {
        let (deepest, nearest) = self.depths();
        if deepest == nearest {
            return Ok(());
        }
        let level = self.levelled(deepest);
        let instead = match self.leaves().len() {
            ..=32 => format!("task.tree: {level}"),
            _ => "each of them in lists of its own".to_owned(),
        };
        bail!(
            "training.loss {loss} chooses one label for every item on every level, but task.tree has items without a label below level \
             {nearest} of {deepest}: write {instead}, in which they stand for themselves on the levels below, or take \
             binary-cross-entropy"
        );
    }

    /// The same tree with its leaves numbered in their order.
    pub(super) fn numbered(&self) -> Tree {
        fn number(tree: &Tree, next: &mut usize) -> Tree {
            match tree {
                Tree::Leaf(_) => {
                    *next += 1;
                    Tree::Leaf(*next - 1)
                }
                Tree::Node(children) => {
                    Tree::Node(children.iter().map(|child| number(child, next)).collect())
                }
            }
        }
        number(self, &mut 0)
    }
}

impl fmt::Display for Tree {
    /// As a config has it: `[[0, 1], [2]]`.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Tree::Leaf(item) => write!(formatter, "{item}"),
            Tree::Node(children) => {
                formatter.write_str("[")?;
                for (index, child) in children.iter().enumerate() {
                    write!(formatter, "{}{child}", if index == 0 { "" } else { ", " })?;
                }
                formatter.write_str("]")
            }
        }
    }
}
