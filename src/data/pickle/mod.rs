//! The part of Python's pickle format that CIFAR-10's Python batches use: a dictionary of numbers, strings, lists and
//! numpy arrays of bytes, as written by Python 2 and by Python 3 up to protocol 4.
//!
//! Nothing is executed: of all the functions that a pickle may name, only numpy's array constructor and `dtype` are
//! known. Strings and arrays borrow from the input.

mod machine;

use anyhow::{Context, Result, bail, ensure};

use machine::Machine;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 8 bytes.
    Int(i64),
    /// A string or bytes, without regard to encoding.
    Bytes(&'a [u8]),
    /// A tuple.
    Tuple(Vec<Value<'a>>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A dictionary.
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// A numpy array of bytes.
    Array(Array<'a>),
    /// A function or class that may be named.
    Global(Global),
    /// A numpy element type; whether it is a byte.
    Dtype(bool),
    /// A numpy array that has no contents yet.
    EmptyArray,
    /// Where a tuple's, list's or dictionary's items begin on the stack.
    Mark,
}

/// What a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// `numpy.core.multiarray._reconstruct`.
    Reconstruct,
    /// `numpy.ndarray`.
    Ndarray,
    /// `numpy.dtype`.
    Dtype,
}

/// A numpy array of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array<'a> {
    /// Sizes of its dimensions; their product is `bytes.len()`.
    pub shape: Vec<usize>,
    /// Whether the first index runs fastest.
    pub column_major: bool,
    /// The elements.
    pub bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// The entry of a dictionary under `key`.
    pub fn entry(&self, key: &str) -> Option<&Value<'a>> {
        let Value::Dict(entries) = self else { return None };
        entries
            .iter()
            .find(|(name, _)| *name == Value::Bytes(key.as_bytes()))
            .map(|(_, value)| value)
    }

    fn depth(&self) -> usize {
        let deepest = match self {
            Value::Tuple(items) | Value::List(items) => items.iter().map(Value::depth).max(),
            Value::Dict(entries) => {
                entries.iter().map(|(key, value)| key.depth().max(value.depth())).max()
            }
            _ => return 0,
        };
        1 + deepest.unwrap_or(0)
    }
}

/// The value of a pickle.
///
/// # Errors
///
/// If the pickle is truncated, malformed, or uses anything that image batches do not. Names the position.
pub fn parse(input: &[u8]) -> Result<Value<'_>> {
    let mut machine = Machine::new(input);
    loop {
        let start = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(value)) => return Ok(value),
            Err(error) => return Err(error.context(format!("malformed pickle at byte {start}"))),
        }
    }
}

/// The function or class of that name, if batches may name it. numpy 2 moved `core` to `_core`.
fn named(module: &[u8], name: &[u8]) -> Result<Global> {
    match (module, name) {
        (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => {
            Ok(Global::Reconstruct)
        }
        (b"numpy", b"ndarray") => Ok(Global::Ndarray),
        (b"numpy", b"dtype") => Ok(Global::Dtype),
        _ => bail!(
            "it names {}.{}, which image batches do not need and this program does not run",
            String::from_utf8_lossy(&module[..module.len().min(60)]).escape_debug(),
            String::from_utf8_lossy(&name[..name.len().min(60)]).escape_debug()
        ),
    }
}

/// An array from numpy's state: version, shape, element type, whether column-major, contents.
fn array<'a>(state: &Value<'a>) -> Result<Array<'a>> {
    let Value::Tuple(state) = state else { bail!("an array's state is no tuple") };
    let [
        _,
        Value::Tuple(shape),
        Value::Dtype(is_byte),
        Value::Bool(column_major),
        Value::Bytes(bytes),
    ] = state.as_slice()
    else {
        bail!("an array's state is not numpy's")
    };
    ensure!(is_byte, "an array's elements are not bytes (uint8)");
    let shape = shape
        .iter()
        .map(|size| match size {
            Value::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        })
        .collect::<Option<Vec<usize>>>()
        .context("an array's shape is not made of sizes")?;
    let product = shape.iter().fold(1_usize, |product, &size| product.saturating_mul(size));
    ensure!(
        product == bytes.len(),
        "an array of shape {shape:?} needs {product} bytes, but has {}",
        bytes.len()
    );
    Ok(Array { shape, column_major: *column_major, bytes })
}
