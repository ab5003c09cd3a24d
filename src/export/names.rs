//! What items and labels are called.

use crate::config::{Config, TaskConfig};
use crate::record::DatasetRecord;
use crate::task::Hierarchy;

/// Names of what a task teaches; empty without a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Of items: of their classes, else their paths in the tree, such as `1.2.1`.
    pub items: Vec<String>,
    /// Of labels: of the class or the superclass that a label stands for, else the path of its node, such as `1.2`.
    pub labels: Vec<String>,
}

impl Names {
    /// Of each stretch of a run, in their order. A config whose stretches cannot be told has none.
    pub fn of_stretches(config: &Config, dataset: Option<&DatasetRecord>) -> Vec<Names> {
        let stretches = config.stretches().unwrap_or_default();
        if stretches.is_empty() {
            return vec![Names::of(&config.task, dataset)];
        }
        stretches.iter().map(|stretch| Names::of(&stretch.config.task, dataset)).collect()
    }

    pub fn of(task: &TaskConfig, dataset: Option<&DatasetRecord>) -> Names {
        if !task.has_tree() {
            return Names::default();
        }
        let mut tree = Hierarchy::new(task);
        if let Some(places) = &task.permutation {
            tree = tree.permuted(places);
        }
        let n_items = tree.n_items();
        let classes: Vec<usize> = task.classes.clone().unwrap_or_else(|| (0..n_items).collect());
        let recorded = dataset.map_or(&[][..], |dataset| &dataset.classes);
        let item = |item: usize| match (recorded.get(item), classes.get(item)) {
            (Some(name), _) => name.clone(),
            (None, Some(&class)) if task.inputs.are_images() => task.inputs.class_name(class),
            (None, _) => tree.path(item),
        };
        let items: Vec<String> = (0..n_items).map(item).collect();
        let targets = tree.targets();
        let level_of = |label| tree.level_columns().iter().position(|level| level.contains(&label));
        let label = |label: usize| {
            let below: Vec<usize> =
                (0..n_items).filter(|&item| targets[[item, label]] == 1.0).collect();
            match &below[..] {
                [] => String::new(),
                [only] => items[*only].clone(),
                [first, ..] => superclass(task, below.iter().map(|item| classes[*item]).collect())
                    .unwrap_or_else(|| {
                        let path = tree.path(*first);
                        let parts = path.split('.').take(level_of(label).unwrap_or(0) + 1);
                        parts.collect::<Vec<_>>().join(".")
                    }),
            }
        };
        let labels = (0..tree.n_labels()).map(label).collect();
        Names { items, labels }
    }
}

/// The name of the superclass that these are classes of, all of them or the only ones that are taught.
fn superclass(task: &TaskConfig, classes: Vec<usize>) -> Option<String> {
    let groups = task.inputs.superclasses().iter();
    let mut around = groups.filter(|(_, group)| classes.iter().all(|class| group.contains(class)));
    let (name, group) = around.next()?;
    let all = task.classes.as_deref();
    let taught = |class: &&usize| all.is_none_or(|all| all.contains(class));
    (group.iter().filter(taught).count() == classes.len()).then(|| (*name).to_owned())
}
