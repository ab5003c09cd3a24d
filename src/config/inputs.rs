//! What a network sees, and what a config must know of data sets: their names and classes.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::cifar100;
use super::own::{Own, OwnImages};

/// What the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Photographs of 100 classes in 20 superclasses, 3 x 32 x 32.
    Cifar100,
    /// Characters that the program draws itself, 28 x 28; needs no files.
    Glyphs,
    /// Images of one's own, at a path.
    Own(Own),
}

/// Those that a word names.
const NAMED: [Inputs; 9] = [
    Inputs::OneHot,
    Inputs::Correlated,
    Inputs::Gaussian,
    Inputs::Circle,
    Inputs::Mnist,
    Inputs::FashionMnist,
    Inputs::Cifar10,
    Inputs::Cifar100,
    Inputs::Glyphs,
];

/// Their words.
pub(super) const WORDS: &[&str] = &[
    "one-hot",
    "correlated",
    "gaussian",
    "circle",
    "mnist",
    "fashion-mnist",
    "cifar10",
    "cifar100",
    "glyphs",
];

impl Serialize for Inputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Inputs::Own(own) => own.images().serialize(serializer),
            named => serializer.serialize_str(named.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputsVisitor;
        impl<'de> Visitor<'de> for InputsVisitor {
            type Value = Inputs;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("one word, or {path: PATH} of images of your own")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Inputs, E> {
                let named = NAMED.into_iter().find(|inputs| inputs.name() == word);
                named.ok_or_else(|| E::unknown_variant(word, WORDS))
            }

            // `true` and `32` are no words here, and are told so by the list of those that are.
            fn visit_unit<E: serde::de::Error>(self) -> Result<Inputs, E> {
                self.visit_str("null")
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Inputs, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Inputs, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Inputs, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Inputs, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Inputs, A::Error> {
                let images = OwnImages::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Inputs::Own(Own::of(images)))
            }
        }
        deserializer.deserialize_any(InputsVisitor)
    }
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

    /// What is said of images of one's own; `None` of others.
    pub fn own(self) -> Option<&'static OwnImages> {
        match self {
            Inputs::Own(own) => Some(own.images()),
            _ => None,
        }
    }

    /// Height and width of images; `None` of vectors, and of images of one's own that were not looked at.
    pub fn sides(self) -> Option<[usize; 2]> {
        match self {
            Inputs::OneHot | Inputs::Correlated | Inputs::Gaussian | Inputs::Circle => None,
            Inputs::Mnist | Inputs::FashionMnist | Inputs::Glyphs => Some([28, 28]),
            Inputs::Cifar10 | Inputs::Cifar100 => Some([32, 32]),
            Inputs::Own(own) => own.images().found.as_ref().map(|found| {
                let [_, height, width] = found.shape;
                [height, width]
            }),
        }
    }

    /// As written in a config; of one's own images the file's or folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Inputs::OneHot => "one-hot",
            Inputs::Correlated => "correlated",
            Inputs::Gaussian => "gaussian",
            Inputs::Circle => "circle",
            Inputs::Mnist => "mnist",
            Inputs::FashionMnist => "fashion-mnist",
            Inputs::Cifar10 => "cifar10",
            Inputs::Cifar100 => "cifar100",
            Inputs::Glyphs => "glyphs",
            Inputs::Own(own) => own.name(),
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
            Inputs::Cifar100 => Some(Classes {
                count: cifar100::NAMES.len(),
                names: &cifar100::NAMES,
                superclasses: &cifar100::SUPERCLASSES,
            }),
            Inputs::Own(own) => Some(Classes {
                count: own.class_names().len(),
                names: own.class_names(),
                superclasses: own.superclasses(),
            }),
        }
    }

    /// Names of the data set's classes in the order of their numbers; empty where numbers say enough.
    pub fn class_names(self) -> &'static [&'static str] {
        self.classes().map_or(&[], |classes| classes.names)
    }

    /// Classes of the data set are numbered below this; 0 for one vector per item.
    pub fn n_classes(self) -> usize {
        self.classes().map_or(0, |classes| classes.count)
    }

    /// What a class is called.
    pub fn class_name(self, class: usize) -> String {
        self.class_names()
            .get(class)
            .map_or_else(|| format!("class {class}"), |name| (*name).to_owned())
    }

    /// Whether records name the classes that items stand for: numbers of so many say little.
    pub fn are_classes_recorded(self) -> bool {
        matches!(self, Inputs::Cifar100 | Inputs::Own(_))
    }

    /// Groups of the data set's classes, with their names.
    pub fn superclasses(self) -> &'static [(&'static str, &'static [usize])] {
        self.classes().map_or(&[], |classes| classes.superclasses)
    }
}
