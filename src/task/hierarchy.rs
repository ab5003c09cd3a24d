//! The tree of labels: which items have which label, and where each level's labels stand among the columns.

use std::ops::Range;

use ndarray::Array2;

use crate::config::{TaskConfig, Tree};

/// A tree. Its leaves are the items, every node below the root is a label; the root is none, since all items share it.
///
/// Labels are numbered level by level, left to right: `[2, 2, 2]` has labels 0-1 (level 1), 2-5 and 6-13.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    n_items: usize,
    /// `nodes[l - 1][k]` are the items below the k-th node of level l.
    nodes: Vec<Vec<Vec<usize>>>,
}

impl Hierarchy {
    /// The tree that a checked config describes.
    pub fn new(config: &TaskConfig) -> Self {
        match (&config.tree, &config.branching) {
            (Some(tree), _) => Self::nested(tree),
            (None, Some(branching)) => Self::balanced(branching),
            (None, None) => Self::balanced(&[2, 2, 2]),
        }
    }

    /// A balanced tree: `branching[l]` children for each node at distance l from the root.
    pub fn balanced(branching: &[usize]) -> Self {
        let n_items: usize = branching.iter().product();
        let mut n_nodes = 1;
        let nodes = branching
            .iter()
            .map(|factor| {
                n_nodes *= factor;
                let size = n_items / n_nodes;
                (0..n_nodes).map(|node| (node * size..(node + 1) * size).collect()).collect()
            })
            .collect();
        Hierarchy { n_items, nodes }
    }

    /// An uneven tree. Its leaves must be the items 0 to N - 1, each once.
    pub fn nested(tree: &Tree) -> Self {
        fn items(tree: &Tree) -> Vec<usize> {
            match tree {
                Tree::Leaf(item) => vec![*item],
                Tree::Node(children) => children.iter().flat_map(items).collect(),
            }
        }
        let mut nodes = Vec::new();
        let mut level: Vec<&Tree> = vec![tree];
        loop {
            level = level
                .into_iter()
                .flat_map(|node| match node {
                    Tree::Leaf(_) => [].iter(),
                    Tree::Node(children) => children.iter(),
                })
                .collect();
            if level.is_empty() {
                break;
            }
            nodes.push(level.iter().map(|node| items(node)).collect());
        }
        Hierarchy { n_items: items(tree).len(), nodes }
    }

    /// The same tree with item i at the place of leaf `places[i]`; `places` lists every leaf once.
    pub fn permuted(mut self, places: &[usize]) -> Self {
        let mut item_at = vec![0; places.len()];
        for (item, &leaf) in places.iter().enumerate() {
            item_at[leaf] = item;
        }
        for item in self.nodes.iter_mut().flatten().flatten() {
            *item = item_at[*item];
        }
        self
    }

    /// Number of leaves.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// Number of nodes below the root, = output units.
    pub fn n_labels(&self) -> usize {
        self.nodes.iter().map(Vec::len).sum()
    }

    /// Distance of the deepest leaf from the root.
    pub fn n_levels(&self) -> usize {
        self.nodes.len()
    }

    /// Label columns of every level, from the top.
    pub fn level_columns(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        self.nodes
            .iter()
            .map(|level| {
                let columns = start..start + level.len();
                start = columns.end;
                columns
            })
            .collect()
    }

    /// Children per node at each level, if the tree is balanced and its leaves are in the order of the items: then it is
    /// `balanced` of that branching.
    pub fn branching(&self) -> Option<Vec<usize>> {
        let mut previous = 1;
        let mut factors = Vec::new();
        for level in &self.nodes {
            factors.push(level.len() / previous);
            previous = level.len();
        }
        // A level with fewer nodes than the one above has leaves above it.
        (!factors.contains(&0) && *self == Self::balanced(&factors)).then_some(factors)
    }

    /// Whether every node of a level has as many items, whatever their order: then the modes of a level are its contrasts.
    pub fn is_even(&self) -> bool {
        self.nodes
            .iter()
            .all(|level| level.iter().all(|items| items.len() * level.len() == self.n_items))
    }

    /// `[n_items, n_labels]`: 1 for each label on the path to the item, else 0 ("three-hot" on three levels).
    pub fn targets(&self) -> Array2<f64> {
        let mut targets = Array2::zeros((self.n_items, self.n_labels()));
        for (label, items) in self.nodes.iter().flatten().enumerate() {
            for &item in items {
                targets[[item, label]] = 1.0;
            }
        }
        targets
    }

    /// An item's path as child numbers from the root, such as `1.2.1`: a name for titles.
    pub fn path(&self, item: usize) -> String {
        let mut parts = Vec::new();
        let mut parent: Option<&Vec<usize>> = None;
        for level in &self.nodes {
            let siblings =
                level.iter().filter(|items| parent.is_none_or(|parent| parent.contains(&items[0])));
            let Some((index, items)) =
                siblings.enumerate().find(|(_, items)| items.contains(&item))
            else {
                break;
            };
            parts.push((index + 1).to_string());
            parent = Some(items);
        }
        parts.join(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_tree_has_eight_items_fourteen_labels_and_three_hot_targets() {
        let tree = Hierarchy::balanced(&[2, 2, 2]);
        assert_eq!((tree.n_items(), tree.n_labels(), tree.n_levels()), (8, 14, 3));
        assert_eq!(tree.level_columns(), [0..2, 2..6, 6..14]);
        let targets = tree.targets();
        assert!(targets.rows().into_iter().all(|row| row.sum() == 3.0));
        assert_eq!((targets[[5, 1]], targets[[5, 4]], targets[[5, 11]]), (1.0, 1.0, 1.0));
        assert_eq!(tree.path(5), "2.1.2");
    }

    #[test]
    fn a_nested_tree_without_unevenness_is_the_balanced_one() {
        let tree: Tree = serde_yaml::from_str("[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]").unwrap();
        assert_eq!(Hierarchy::nested(&tree), Hierarchy::balanced(&[2, 2, 2]));
        assert_eq!(Hierarchy::nested(&tree).branching(), Some(vec![2, 2, 2]));
    }

    #[test]
    fn a_balanced_tree_over_shuffled_items_is_another_task() {
        let tree: Tree = serde_yaml::from_str("[[0, 2], [1, 3]]").unwrap();
        assert_eq!(Hierarchy::nested(&tree).branching(), None);
    }

    #[test]
    fn an_uneven_tree_gives_each_leaf_a_label_at_its_own_level() {
        let tree: Tree = serde_yaml::from_str("[[0, 1, 2], [3, [4, 5]]]").unwrap();
        let tree = Hierarchy::nested(&tree);
        assert_eq!((tree.n_items(), tree.n_labels(), tree.n_levels()), (6, 9, 3));
        assert_eq!(tree.branching(), None);
        let hot: Vec<f64> = tree.targets().rows().into_iter().map(|row| row.sum()).collect();
        assert_eq!(hot, [2.0, 2.0, 2.0, 2.0, 3.0, 3.0]);
        assert_eq!(tree.path(5), "2.2.2");
    }
}
