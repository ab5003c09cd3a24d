//! CIFAR-100's classes in the order of its numbers, and its own two levels: twenty superclasses of five classes each.

/// Names of the classes.
pub const NAMES: [&str; 100] = [
    "apple",
    "aquarium fish",
    "baby",
    "bear",
    "beaver",
    "bed",
    "bee",
    "beetle",
    "bicycle",
    "bottle",
    "bowl",
    "boy",
    "bridge",
    "bus",
    "butterfly",
    "camel",
    "can",
    "castle",
    "caterpillar",
    "cattle",
    "chair",
    "chimpanzee",
    "clock",
    "cloud",
    "cockroach",
    "couch",
    "crab",
    "crocodile",
    "cup",
    "dinosaur",
    "dolphin",
    "elephant",
    "flatfish",
    "forest",
    "fox",
    "girl",
    "hamster",
    "house",
    "kangaroo",
    "keyboard",
    "lamp",
    "lawn mower",
    "leopard",
    "lion",
    "lizard",
    "lobster",
    "man",
    "maple tree",
    "motorcycle",
    "mountain",
    "mouse",
    "mushroom",
    "oak tree",
    "orange",
    "orchid",
    "otter",
    "palm tree",
    "pear",
    "pickup truck",
    "pine tree",
    "plain",
    "plate",
    "poppy",
    "porcupine",
    "possum",
    "rabbit",
    "raccoon",
    "ray",
    "road",
    "rocket",
    "rose",
    "sea",
    "seal",
    "shark",
    "shrew",
    "skunk",
    "skyscraper",
    "snail",
    "snake",
    "spider",
    "squirrel",
    "streetcar",
    "sunflower",
    "sweet pepper",
    "table",
    "tank",
    "telephone",
    "television",
    "tiger",
    "tractor",
    "train",
    "trout",
    "tulip",
    "turtle",
    "wardrobe",
    "whale",
    "willow tree",
    "wolf",
    "woman",
    "worm",
];

/// Names of the superclasses and their classes, in the order of the superclasses' numbers.
pub const SUPERCLASSES: [(&str, &[usize]); 20] = [
    // beaver, dolphin, otter, seal, whale
    ("aquatic mammals", &[4, 30, 55, 72, 95]),
    // aquarium fish, flatfish, ray, shark, trout
    ("fish", &[1, 32, 67, 73, 91]),
    // orchid, poppy, rose, sunflower, tulip
    ("flowers", &[54, 62, 70, 82, 92]),
    // bottle, bowl, can, cup, plate
    ("food containers", &[9, 10, 16, 28, 61]),
    // apple, mushroom, orange, pear, sweet pepper
    ("fruit and vegetables", &[0, 51, 53, 57, 83]),
    // clock, keyboard, lamp, telephone, television
    ("household electrical devices", &[22, 39, 40, 86, 87]),
    // bed, chair, couch, table, wardrobe
    ("household furniture", &[5, 20, 25, 84, 94]),
    // bee, beetle, butterfly, caterpillar, cockroach
    ("insects", &[6, 7, 14, 18, 24]),
    // bear, leopard, lion, tiger, wolf
    ("large carnivores", &[3, 42, 43, 88, 97]),
    // bridge, castle, house, road, skyscraper
    ("large man-made outdoor things", &[12, 17, 37, 68, 76]),
    // cloud, forest, mountain, plain, sea
    ("large natural outdoor scenes", &[23, 33, 49, 60, 71]),
    // camel, cattle, chimpanzee, elephant, kangaroo
    ("large omnivores and herbivores", &[15, 19, 21, 31, 38]),
    // fox, porcupine, possum, raccoon, skunk
    ("medium-sized mammals", &[34, 63, 64, 66, 75]),
    // crab, lobster, snail, spider, worm
    ("non-insect invertebrates", &[26, 45, 77, 79, 99]),
    // baby, boy, girl, man, woman
    ("people", &[2, 11, 35, 46, 98]),
    // crocodile, dinosaur, lizard, snake, turtle
    ("reptiles", &[27, 29, 44, 78, 93]),
    // hamster, mouse, rabbit, shrew, squirrel
    ("small mammals", &[36, 50, 65, 74, 80]),
    // maple tree, oak tree, palm tree, pine tree, willow tree
    ("trees", &[47, 52, 56, 59, 96]),
    // bicycle, bus, motorcycle, pickup truck, train
    ("vehicles 1", &[8, 13, 48, 58, 90]),
    // lawn mower, rocket, streetcar, tank, tractor
    ("vehicles 2", &[41, 69, 81, 85, 89]),
];
