//! What pickles hold.

use std::cell::Cell;
use std::rc::Rc;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 8 bytes; a numpy integer too.
    Int(i64),
    /// A floating-point number, which no batch needs.
    Float,
    /// A string (as UTF-8) or bytes.
    Bytes(Bytes<'a>),
    /// A tuple.
    Tuple(Vec<Value<'a>>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A dictionary.
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// A numpy array of integers.
    Array(Array<'a>),
    /// A function or class that may be named.
    Global(Global),
    /// A numpy element type. Shared, since its byte order comes after it was remembered.
    Element(Rc<Cell<Element>>),
    /// A numpy array that has no contents yet.
    EmptyArray,
    /// Where a tuple's, list's or dictionary's items begin on the stack.
    Mark,
}

/// Bytes of the input, or decoded from it.
#[derive(Debug, Clone)]
pub enum Bytes<'a> {
    /// As they stand.
    Of(&'a [u8]),
    /// Decoded; shared with what is remembered of it.
    Decoded(Rc<Vec<u8>>),
}

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Of(bytes) => bytes,
            Bytes::Decoded(bytes) => bytes,
        }
    }
}

impl PartialEq for Bytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

/// What a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// `numpy.core.multiarray._reconstruct`.
    Reconstruct,
    /// `numpy.core.multiarray.scalar`.
    Scalar,
    /// `numpy.core.numeric._frombuffer`: protocol 5's arrays.
    FromBuffer,
    /// `numpy.ndarray`.
    Ndarray,
    /// `numpy.dtype`.
    Dtype,
    /// `_codecs.encode`: how protocols 0 to 2 write bytes.
    Encode,
    /// `bytes` or `bytearray`.
    Bytes,
}

/// A numpy type of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// Bytes of one.
    pub size: usize,
    /// Whether it can be negative.
    pub is_signed: bool,
    /// Whether its highest byte comes first.
    pub is_big_endian: bool,
}

impl Element {
    /// `uint8`.
    pub fn is_byte(self) -> bool {
        self.size == 1 && !self.is_signed
    }

    /// The integer that `bytes`, `size` of them, stand for; `None` if it is larger than an `int64`.
    pub fn integer(self, bytes: &[u8]) -> Option<i64> {
        let mut word = bytes.to_vec();
        if self.is_big_endian {
            word.reverse();
        }
        integer(&word, self.is_signed).filter(|&number| self.is_signed || number >= 0)
    }
}

/// A numpy array of integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<'a> {
    /// Sizes of its dimensions; their product times the element's size is the number of bytes.
    pub shape: Vec<usize>,
    /// Whether the first index runs fastest.
    pub column_major: bool,
    /// What its bytes mean.
    pub element: Element,
    pub(super) bytes: Bytes<'a>,
}

impl Array<'_> {
    /// Its bytes, as they are.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Value<'_> {
    /// The entry of a dictionary under `key`, whether text or bytes.
    pub fn entry(&self, key: &str) -> Option<&Self> {
        let Value::Dict(entries) = self else { return None };
        let is_named =
            |name: &Self| matches!(name, Value::Bytes(name) if name.as_ref() == key.as_bytes());
        entries.iter().find(|(name, _)| is_named(name)).map(|(_, value)| value)
    }

    /// The numbers of a list or tuple, or of an array in one dimension; `None` if it is none of those.
    pub fn integers(&self) -> Option<Vec<i64>> {
        if let Value::List(items) | Value::Tuple(items) = self {
            let integer = |item: &Self| if let Value::Int(int) = item { Some(*int) } else { None };
            return items.iter().map(integer).collect();
        }
        let Value::Array(array) = self else { return None };
        let elements = array.bytes().chunks_exact(array.element.size);
        let integers = elements.map(|bytes| array.element.integer(bytes));
        (array.shape.len() == 1).then(|| integers.collect()).flatten()
    }

    /// How deep tuples, lists and dictionaries stand within each other.
    pub fn depth(&self) -> usize {
        let deepest = match self {
            Value::Tuple(items) | Value::List(items) => items.iter().map(Value::depth).max(),
            Value::Dict(entries) => {
                entries.iter().map(|(key, value)| key.depth().max(value.depth())).max()
            }
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float
            | Value::Bytes(_)
            | Value::Array(_)
            | Value::Global(_)
            | Value::Element(_)
            | Value::EmptyArray
            | Value::Mark => return 0,
        };
        1 + deepest.unwrap_or(0)
    }
}

/// The integer of little-endian bytes; `None` of more than 8.
pub fn integer(bytes: &[u8], is_signed: bool) -> Option<i64> {
    let is_negative = is_signed && bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut word = [if is_negative { 0xff } else { 0 }; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(word))
}
