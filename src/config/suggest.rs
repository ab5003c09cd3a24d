//! What was meant by a word that is not known: the nearest of those that are, or the one of another program's.

/// Below this likeness (1 = equal) a known word is no suggestion but a guess.
const LEAST_LIKENESS: f64 = 0.6;

/// Letters and digits alone, in lower case: `Fashion_MNIST` is `fashion-mnist`.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The known word that is most like the given one, if any is like it.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is much longer than any word is like none, and comparing takes time in proportion to both lengths.
    if given.len() > 100 {
        return None;
    }
    let wanted = plain(given);
    let likeness = |word: &str| {
        let word = plain(word);
        let begins = wanted.len() >= 3 && (word.starts_with(&wanted) || wanted.starts_with(&word));
        strsim::normalized_damerau_levenshtein(&wanted, &word).max(if begins {
            LEAST_LIKENESS
        } else {
            0.0
        })
    };
    known
        .into_iter()
        .map(|word| (likeness(word), word))
        .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, word)| word)
}

/// `; did you mean 'x'?` to end a message with, or nothing.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or_else(String::new, |word| format!("; did you mean '{word}'?"))
}

/// Keys as other programs call them, and what they are here.
const KEYS: [(&str, &str); 56] = [
    ("lr", "training.learning_rate"),
    ("eta", "training.learning_rate"),
    ("step_size", "training.learning_rate"),
    ("epochs", "training.steps, which counts updates, not epochs"),
    ("num_epochs", "training.steps, which counts updates, not epochs"),
    ("iterations", "training.steps"),
    ("max_steps", "training.steps"),
    ("optim", "training.optimiser"),
    ("optimizer", "training.optimiser"),
    ("wd", "training.optimiser: {sgd: {weight_decay: ...}}, or adamw"),
    ("scheduler", "training.schedule"),
    ("lr_scheduler", "training.schedule"),
    ("lr_schedule", "training.schedule"),
    ("warmup_steps", "training.schedule: {constant: {warm_up: ...}}, or another with warm_up"),
    ("grad_clip", "training.gradient_clipping"),
    ("clip_grad_norm", "training.gradient_clipping"),
    ("max_grad_norm", "training.gradient_clipping"),
    ("clipping", "training.gradient_clipping"),
    ("criterion", "training.loss"),
    ("objective", "training.loss"),
    ("batch", "training.batch_size"),
    ("bs", "training.batch_size"),
    ("dtype", "training.precision"),
    ("log_every", "training.observations"),
    ("eval_every", "training.observations"),
    ("dataset", "task.inputs"),
    ("data", "task.inputs"),
    ("depth", "network.hidden, one width for each hidden layer"),
    ("n_layers", "network.hidden, one width for each hidden layer"),
    ("layers", "network.hidden"),
    ("width", "network.hidden"),
    ("widths", "network.hidden"),
    ("channels", "network.hidden"),
    ("hidden_size", "network.hidden"),
    ("model", "network"),
    ("architecture", "network.kind"),
    ("arch", "network.kind"),
    ("type", "network.kind"),
    ("nonlinearity", "network.activation"),
    ("biases", "network.bias"),
    ("use_bias", "network.bias"),
    ("init", "network.initialisation"),
    ("init_scale", "network.initialisation: {normal: {std: 0.01}}"),
    ("normalization", "network.normalisation, or of inputs task.preprocessing"),
    ("norm", "network.normalisation"),
    ("batch_norm", "network.normalisation: batch"),
    ("batchnorm", "network.normalisation: batch"),
    ("layer_norm", "network.normalisation: layer"),
    ("strides", "network.stride"),
    ("drop_rate", "network.dropout"),
    ("shortcut", "network.residual"),
    ("base_rates", "task.frequencies"),
    ("weights", "task.frequencies"),
    ("seed", "seeds, a list"),
    ("title", "label"),
    ("threshold", "phase_threshold"),
];

/// What the command line says, not a config.
const ARGUMENTS: [(&str, &str); 7] = [
    ("device", "--device"),
    ("threads", "--threads"),
    ("jobs", "--jobs"),
    ("stack", "--stack"),
    ("out", "--out"),
    ("resume", "--resume"),
    ("data_dir", "--data-dir"),
];

/// What networks elsewhere have and these have not.
const ABSENT: [&str; 1] = ["augmentation"];

/// Values as other programs call them: the key's last part, the foreign word, and what is nearest here.
const VALUES: [(&str, &[&str], &str); 33] = [
    ("inputs", &["digits", "emnist", "kmnist", "qmnist", "usps"], "mnist"),
    ("inputs", &["cifar", "imagenet", "svhn", "stl10", "celeba", "tinyimagenet"], "cifar10"),
    ("inputs", &["fashion", "clothes", "fmnist"], "fashion-mnist"),
    ("inputs", &["identity", "items"], "one-hot"),
    ("inputs", &["gaussian", "random"], "correlated"),
    ("loss", &["mse", "l2", "meansquarederror", "mseloss", "squared"], "half-squared-error"),
    (
        "loss",
        &["bce", "logistic", "bceloss", "bcewithlogitsloss", "sigmoid"],
        "binary-cross-entropy",
    ),
    (
        "loss",
        &["ce", "nll", "crossentropy", "crossentropyloss", "softmax", "categorical"],
        "softmax-cross-entropy",
    ),
    (
        "kind",
        &[
            "conv",
            "convnet",
            "convolutional",
            "resnet",
            "resnet18",
            "vgg",
            "lenet",
            "transformer",
            "vit",
        ],
        "cnn",
    ),
    ("kind", &["dense", "fc", "feedforward", "perceptron", "relu", "fullyconnected"], "mlp"),
    ("kind", &["deeplinear", "dln"], "linear"),
    ("optimiser", &["rmsprop", "adagrad", "nadam", "adamax", "lion", "muon"], "adam"),
    ("optimiser", &["gd", "momentum", "nesterov", "gradientdescent", "lbfgs"], "sgd"),
    ("schedule", &["none", "no", "flat"], "constant"),
    ("schedule", &["steplr", "steps", "multistep", "multisteplr", "exponential"], "step"),
    ("schedule", &["cosineannealing", "cosineannealinglr", "onecycle", "onecyclelr"], "cosine"),
    ("schedule", &["linearlr", "polynomial", "polynomiallr"], "linear"),
    ("activation", &["gelu", "silu", "swish", "elu", "softplus"], "relu"),
    ("activation", &["leaky", "lrelu", "leakyrelu", "prelu"], "leaky-relu"),
    ("activation", &["sigmoid", "logistic", "erf", "sin"], "tanh"),
    ("bias", &["true", "yes", "on", "both", "everywhere"], "all"),
    ("bias", &["false", "no", "off", "null"], "none"),
    ("bias", &["first", "hidden"], "input"),
    ("bias", &["last", "readout"], "output"),
    (
        "initialisation",
        &["xavier", "glorot", "he", "uniform", "default", "pytorch", "torch", "lecun"],
        "kaiming",
    ),
    ("initialisation", &["gaussian", "random", "small", "randn"], "normal"),
    ("initialisation", &["balanced", "svd"], "aligned"),
    ("precision", &["float", "single", "fp32", "f32", "32"], "float32"),
    ("precision", &["double", "fp64", "f64", "64"], "float64"),
    ("precision", &["half", "float16", "fp16", "bf16", "amp", "mixed", "16"], "bfloat16"),
    (
        "preprocessing",
        &["standardised", "standardized", "normalised", "normalized", "zscore"],
        "channel-standardised",
    ),
    ("preprocessing", &["whitened", "zca", "whitening"], "zca-whitened"),
    ("preprocessing", &["pca", "sphered"], "pca-whitened"),
];

/// A sentence on a key that does not exist: where it belongs, what it is called here, or that there is no such thing.
///
/// `known` are the keys of its place, `all` the dotted keys of a whole config.
pub(super) fn meant_by_key(place: &str, key: &str, known: &[&str], all: &[String]) -> String {
    let called = plain(key);
    let is = |word: &str| plain(word) == called;
    if let Some(word) = known.iter().find(|word| is(word)) {
        return format!("write {word}");
    }
    if let Some((_, option)) = ARGUMENTS.iter().find(|(word, _)| is(word)) {
        return format!("give {option} on the command line");
    }
    if ABSENT.iter().any(|word| is(word)) {
        return "there is no such thing here, leave it out".to_owned();
    }
    let near = nearest(key, known.iter().copied());
    // Few keys are told sooner than guessed at.
    if known.len() <= 3 && near.is_none() {
        return format!("its keys are {}", known.join(", "));
    }
    let elsewhere = all.iter().find(|full| full.rsplit('.').next().is_some_and(is));
    if let Some(full) = elsewhere {
        return format!("write {}", nested(full));
    }
    if let Some((_, here)) = KEYS.iter().find(|(word, _)| is(word)) {
        // In its own section a key needs no section.
        let here = here.strip_prefix(place).and_then(|rest| rest.strip_prefix('.')).unwrap_or(here);
        return format!("here it is {here}");
    }
    let leaves = || all.iter().map(|full| full.rsplit('.').next().unwrap_or(full));
    match near {
        Some(word) => format!("did you mean {word}?"),
        None => match nearest(key, leaves()) {
            Some(word) => {
                let full = all.iter().find(|full| full.rsplit('.').next() == Some(word));
                format!(
                    "did you mean {}?",
                    full.map_or_else(|| word.to_owned(), |full| nested(full))
                )
            }
            None => format!("its keys are {}", known.join(", ")),
        },
    }
}

/// `training.steps` as a file has it: `training: {steps: ...}`.
fn nested(full: &str) -> String {
    let mut parts = full.rsplit('.');
    let leaf = format!("{}: ...", parts.next().unwrap_or_default());
    parts.fold(leaf, |inner, section| format!("{section}: {{{inner}}}"))
}

/// A sentence on a value that does not exist: all that do, and the nearest.
pub(super) fn meant_by_value(key: &str, value: &str, known: &[&str]) -> String {
    let called = plain(value);
    let foreign = VALUES
        .iter()
        .find(|(of, words, _)| *of == key && words.contains(&called.as_str()))
        .map(|(_, _, here)| *here);
    let near = match (foreign, nearest(value, known.iter().copied())) {
        (Some(here), _) => format!("; the nearest is {here}"),
        (None, Some(word)) => format!("; did you mean {word}?"),
        (None, None) => String::new(),
    };
    format!("write {}{near}", listed(known))
}

/// `a, b or c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_word_is_found_and_strange_ones_are_like_none() {
        let sets = ["mnist", "fashion-mnist", "cifar10", "glyphs"];
        for (given, found) in [
            ("cifr10", Some("cifar10")),
            ("CIFAR-10", Some("cifar10")),
            ("fashion_mnist", Some("fashion-mnist")),
            ("mnst", Some("mnist")),
            ("imagenet", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, sets), found, "{given}");
        }
        assert_eq!(did_you_mean("zebra", sets), "");
        assert_eq!(nearest(&"m".repeat(1_000_000), sets), None);
    }
}
