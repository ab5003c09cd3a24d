//! What a network sees, and what a config must know of data sets: their names and classes.

use serde::{Deserialize, Serialize};

/// What the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inputs {
    /// Item i is the i-th unit vector.
    OneHot,
    /// Unit vectors that share a common component.
    Correlated,
    /// Normal vectors that are drawn, and whitened exactly.
    Gaussian,
    /// Points on the unit circle.
    Circle,
    /// Handwritten digits, 28 x 28.
    Mnist,
    /// Pieces of clothing, 28 x 28.
    FashionMnist,
    /// Photographs, 3 x 32 x 32.
    Cifar10,
    /// Characters that the program draws itself, 28 x 28; needs no files.
    Glyphs,
}

/// Classes of a data set.
struct Classes {
    count: usize,
    /// Names, where numbers say little.
    names: &'static [&'static str],
    /// Groups of classes with their names.
    superclasses: &'static [(&'static str, &'static [usize])],
}

impl Inputs {
    /// Whether inputs are images of a data set (and not one vector per item).
    pub fn are_images(self) -> bool {
        self.classes().is_some()
    }

    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            Inputs::OneHot => "one-hot",
            Inputs::Correlated => "correlated",
            Inputs::Gaussian => "gaussian",
            Inputs::Circle => "circle",
            Inputs::Mnist => "mnist",
            Inputs::FashionMnist => "fashion-mnist",
            Inputs::Cifar10 => "cifar10",
            Inputs::Glyphs => "glyphs",
        }
    }

    /// Classes of the data set; `None` for one vector per item.
    fn classes(self) -> Option<Classes> {
        let ten = Classes { count: 10, names: &[], superclasses: &[] };
        match self {
            Inputs::OneHot | Inputs::Correlated | Inputs::Gaussian | Inputs::Circle => None,
            Inputs::Mnist | Inputs::Glyphs => Some(ten),
            Inputs::FashionMnist => Some(Classes {
                names: &[
                    "T-shirt",
                    "trouser",
                    "pullover",
                    "dress",
                    "coat",
                    "sandal",
                    "shirt",
                    "sneaker",
                    "bag",
                    "ankle boot",
                ],
                ..ten
            }),
            Inputs::Cifar10 => Some(Classes {
                names: &[
                    "airplane",
                    "automobile",
                    "bird",
                    "cat",
                    "deer",
                    "dog",
                    "frog",
                    "horse",
                    "ship",
                    "truck",
                ],
                superclasses: &[("vehicles", &[0, 1, 8, 9]), ("animals", &[2, 3, 4, 5, 6, 7])],
                ..ten
            }),
        }
    }

    /// Classes of the data set are numbered below this; 0 for one vector per item.
    pub fn n_classes(self) -> usize {
        self.classes().map_or(0, |classes| classes.count)
    }

    /// What a class is called.
    pub fn class_name(self, class: usize) -> String {
        let names = self.classes().map_or(&[][..], |classes| classes.names);
        names.get(class).map_or_else(|| format!("class {class}"), |name| (*name).to_owned())
    }

    /// Groups of the data set's classes, with their names.
    pub fn superclasses(self) -> &'static [(&'static str, &'static [usize])] {
        self.classes().map_or(&[], |classes| classes.superclasses)
    }
}
