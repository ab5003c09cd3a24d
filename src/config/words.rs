//! Words in a raw config that stand for numbers: names of classes, a data set's own tree, and paths, which stand for what lies
//! there. What is written out has numbers.

use std::borrow::Cow;

use anyhow::{Result, bail, ensure};
use serde_yaml::Value;

use super::suggest::did_you_mean;
use super::{Inputs, OwnImages, read};

/// In place of a tree: the data set's own.
const SUPERCLASSES: &str = "superclasses";

/// The same config with numbers in place of words; what is no word stays, for others to judge.
///
/// # Errors
///
/// If the data set has no such class, or no superclasses.
pub fn in_numbers(config: &Value) -> Result<Cow<'_, Value>> {
    let of_path = of_task(config, "inputs").filter(|inputs| inputs.is_mapping());
    // A map that is wrong is told by who reads it.
    let Some(own) = of_path.and_then(|inputs| read::typed::<OwnImages>(inputs).ok()) else {
        return of_known_classes(config);
    };
    let mut config = config.clone();
    put(&mut config, "inputs", serde_yaml::to_value(own.looked_up()?)?);
    Ok(Cow::Owned(of_known_classes(&config)?.into_owned()))
}

/// The same where it is known which classes there are.
fn of_known_classes(config: &Value) -> Result<Cow<'_, Value>> {
    let of_superclasses = of_task(config, "tree").and_then(Value::as_str) == Some(SUPERCLASSES);
    let named = of_task(config, "classes").and_then(Value::as_sequence);
    let has_names =
        named.is_some_and(|classes| classes.iter().any(|class| name_of(class).is_some()));
    if !of_superclasses && !has_names {
        return Ok(Cow::Borrowed(config));
    }
    let inputs = of_task(config, "inputs").and_then(|inputs| read::typed::<Inputs>(inputs).ok());
    // One that is wrong is told by who reads it.
    let Some(inputs) = inputs else { return Ok(Cow::Borrowed(config)) };
    let classes = of_task(config, "classes").and_then(Value::as_sequence).cloned();
    let mut config = config.clone();
    if of_superclasses {
        let (tree, classes) = superclasses(inputs, classes.as_deref())?;
        put(&mut config, "tree", tree);
        put(&mut config, "classes", numbers(classes));
    } else if let (false, Some(classes)) = (inputs.class_names().is_empty(), classes) {
        let classes: Result<Vec<Value>> =
            classes.iter().map(|class| class_of(inputs, class)).collect();
        put(&mut config, "classes", Value::Sequence(classes?));
    }
    Ok(Cow::Owned(config))
}

/// The same config with a number in place of each word, whichever it is: what else is wrong shows then.
pub fn without_words(config: &Value) -> Value {
    let mut config = config.clone();
    let task = config.get_mut("task");
    let task = task.and_then(Value::as_mapping_mut);
    let Some(task) = task else { return config };
    if task.get("tree").and_then(Value::as_str) == Some(SUPERCLASSES) {
        task.insert("tree".into(), Value::Null);
    }
    if let Some(Value::Sequence(classes)) = task.get_mut("classes") {
        for class in classes.iter_mut().filter(|class| name_of(class).is_some()) {
            *class = 0.into();
        }
    }
    config
}

/// The tree of superclasses, and the classes in its order: those that are listed, or all.
fn superclasses(inputs: Inputs, listed: Option<&[Value]>) -> Result<(Value, Vec<usize>)> {
    let groups = inputs.superclasses();
    ensure!(
        !groups.is_empty(),
        "task.tree is superclasses, but {} has none: write a tree as nested lists, or task.branching",
        inputs.name()
    );
    let classes: Vec<usize> = match listed {
        None => groups.iter().flat_map(|(_, classes)| classes.iter().copied()).collect(),
        Some(listed) => {
            let classes: Result<Vec<Vec<usize>>> =
                listed.iter().map(|entry| classes_of(inputs, entry)).collect();
            classes?.concat()
        }
    };
    // Superclasses in the order in which they are listed, each with its classes in theirs.
    let mut nodes: Vec<(usize, Vec<usize>)> = Vec::new();
    for class in classes {
        let group = groups.iter().position(|(_, classes)| classes.contains(&class));
        let Some(group) = group else {
            bail!(
                "task.classes lists class {class}, but {} has classes 0 to {}",
                inputs.name(),
                inputs.n_classes() - 1
            )
        };
        match nodes.iter_mut().find(|(known, _)| *known == group) {
            Some((_, classes)) => classes.push(class),
            None => nodes.push((group, vec![class])),
        }
    }
    let mut items = 0..;
    let tree = nodes.iter().map(|(_, classes)| numbers(items.by_ref().take(classes.len())));
    let tree = Value::Sequence(tree.collect());
    Ok((tree, nodes.into_iter().flat_map(|(_, classes)| classes).collect()))
}

/// What an entry beside `tree: superclasses` stands for: all classes of a superclass, or one class.
fn classes_of(inputs: Inputs, entry: &Value) -> Result<Vec<usize>> {
    let groups = inputs.superclasses();
    if let Some(name) = name_of(entry) {
        if let Some((_, classes)) = groups.iter().find(|(group, _)| is_same(group, name)) {
            return Ok(classes.to_vec());
        }
        if let Some(class) = inputs.class_names().iter().position(|class| is_same(class, name)) {
            return Ok(vec![class]);
        }
        let all =
            groups.iter().map(|(group, _)| *group).chain(inputs.class_names().iter().copied());
        bail!(
            "task.classes lists '{}', which is neither a superclass nor a class of {}{}",
            super::name::shortened(name),
            inputs.name(),
            did_you_mean(name, all)
        )
    }
    match read::typed::<usize>(entry) {
        Ok(class) => Ok(vec![class]),
        Err(_) => bail!("task.classes must list numbers and names of classes and superclasses"),
    }
}

/// The number of a class that is named; what is no name stays.
fn class_of(inputs: Inputs, entry: &Value) -> Result<Value> {
    let Some(name) = name_of(entry) else { return Ok(entry.clone()) };
    let names = inputs.class_names();
    if let Some(class) = names.iter().position(|class| is_same(class, name)) {
        return Ok((class as u64).into());
    }
    let is_superclass = inputs.superclasses().iter().any(|(group, _)| is_same(group, name));
    let short = super::name::shortened(name);
    ensure!(
        !is_superclass,
        "task.classes lists '{short}', a superclass of {}: set task.tree to superclasses to learn all of its classes",
        inputs.name()
    );
    bail!(
        "task.classes lists '{short}', which is no class of {}{}",
        inputs.name(),
        did_you_mean(name, names.iter().copied())
    )
}

/// The word that a class is listed by; `None` of a number, however it is written.
fn name_of(class: &Value) -> Option<&str> {
    class.as_str().filter(|_| read::as_number(class).is_none())
}

/// Whether two names are the same but for letter case, and blanks, hyphens or underscores.
fn is_same(one: &str, other: &str) -> bool {
    let folded = |name: &str| -> String {
        let letters = name.chars().filter(|c| !matches!(c, ' ' | '-' | '_'));
        letters.flat_map(char::to_lowercase).collect()
    };
    folded(one) == folded(other)
}

/// The value at a key of `task`, if there is one.
fn of_task<'a>(config: &'a Value, key: &str) -> Option<&'a Value> {
    config.get("task")?.get(key).filter(|value| !value.is_null())
}

fn numbers(numbers: impl IntoIterator<Item = usize>) -> Value {
    Value::Sequence(numbers.into_iter().map(|number| Value::from(number as u64)).collect())
}

fn put(config: &mut Value, key: &str, value: Value) {
    if let Some(task) = config.get_mut("task").and_then(Value::as_mapping_mut) {
        task.insert(key.into(), value);
    }
}
