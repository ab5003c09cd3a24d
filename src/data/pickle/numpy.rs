//! What numpy's and Python's own functions would make of their arguments, for those that image batches name.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

use super::literals;
use super::value::{Array, Bytes, Element, Global, Value};

/// The function or class of that name, if batches may name it. numpy 2 moved `core` to `_core`.
pub fn named(module: &[u8], name: &[u8]) -> Result<Global> {
    match (module, name) {
        (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => {
            Ok(Global::Reconstruct)
        }
        (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"scalar") => Ok(Global::Scalar),
        (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Ok(Global::FromBuffer),
        (b"numpy", b"ndarray") => Ok(Global::Ndarray),
        (b"numpy", b"dtype") => Ok(Global::Dtype),
        (b"_codecs", b"encode") => Ok(Global::Encode),
        (b"__builtin__" | b"builtins", b"bytes" | b"bytearray") => Ok(Global::Bytes),
        _ => bail!(
            "it names {}.{}, which image batches do not need and this program does not run",
            String::from_utf8_lossy(&module[..module.len().min(60)]).escape_debug(),
            String::from_utf8_lossy(&name[..name.len().min(60)]).escape_debug()
        ),
    }
}

/// What a call yields.
///
/// # Errors
///
/// If no batch calls `function` with such arguments.
pub fn call<'a>(function: &Value<'a>, arguments: &[Value<'a>]) -> Result<Value<'a>> {
    let Value::Global(function) = function else {
        bail!("a call that does not occur in image batches")
    };
    match (function, arguments) {
        (Global::Reconstruct, [Value::Global(Global::Ndarray), ..]) => Ok(Value::EmptyArray),
        (Global::Dtype, [Value::Bytes(name), ..]) => element(name.as_ref()),
        (Global::Scalar, [Value::Element(element), Value::Bytes(bytes)]) => {
            let element = element.get();
            ensure!(bytes.as_ref().len() == element.size, "a number is not as long as its type");
            let number = element.integer(bytes.as_ref());
            number.map(Value::Int).context("a number is larger than 8 bytes")
        }
        (
            Global::FromBuffer,
            [
                Value::Bytes(bytes),
                Value::Element(element),
                Value::Tuple(shape),
                Value::Bytes(order),
            ],
        ) => array(shape, element.get(), order.as_ref() == b"F", bytes),
        (Global::Encode, [Value::Bytes(text), Value::Bytes(encoding)]) => {
            ensure!(encoding.as_ref() == b"latin1", "an encoding that pickles do not use");
            Ok(Value::Bytes(Bytes::Decoded(Rc::new(literals::latin1(text.as_ref())?))))
        }
        (Global::Bytes, []) => Ok(Value::Bytes(Bytes::Of(b""))),
        (Global::Bytes, [Value::Bytes(bytes)]) => Ok(Value::Bytes(bytes.clone())),
        (_, _) => bail!("a call that does not occur in image batches"),
    }
}

/// The element type of a name such as `u1`, `|u1`, `<i8`.
fn element<'a>(name: &[u8]) -> Result<Value<'a>> {
    let (order, name) = match name {
        [order @ (b'<' | b'>' | b'=' | b'|'), name @ ..] => (*order, name),
        _ => (b'=', name),
    };
    let is_signed = match name.first() {
        Some(b'i') => true,
        Some(b'u') => false,
        _ => bail!(
            "numbers of numpy's type '{}': images must be bytes (uint8), labels integers",
            name.escape_ascii()
        ),
    };
    let size = match &name[1..] {
        b"1" => 1,
        b"2" => 2,
        b"4" => 4,
        b"8" => 8,
        _ => bail!("numpy has no integers of type '{}'", name.escape_ascii()),
    };
    let element = Element { size, is_signed, is_big_endian: order == b'>' };
    Ok(Value::Element(Rc::new(Cell::new(element))))
}

/// What an array or element type becomes by its state.
///
/// # Errors
///
/// If the state is not numpy's, or the object neither.
pub fn built<'a>(object: Value<'a>, state: &Value<'a>) -> Result<Value<'a>> {
    match (object, state) {
        (Value::Element(shared), Value::Tuple(state)) => {
            if let Some(Value::Bytes(order)) = state.get(1) {
                let is_big_endian = order.as_ref() == b">";
                shared.set(Element { is_big_endian, ..shared.get() });
            }
            Ok(Value::Element(shared))
        }
        (Value::EmptyArray, Value::Tuple(state)) => match state.as_slice() {
            // Version, shape, element type, whether column-major, contents.
            [
                _,
                Value::Tuple(shape),
                Value::Element(element),
                Value::Bool(column_major),
                Value::Bytes(bytes),
            ] => array(shape, element.get(), *column_major, bytes),
            _ => bail!("an array's state is not numpy's"),
        },
        (Value::EmptyArray, _) => bail!("an array's state is no tuple"),
        (_, _) => bail!("a state for what is neither array nor element type"),
    }
}

fn array<'a>(
    shape: &[Value<'a>],
    element: Element,
    column_major: bool,
    bytes: &Bytes<'a>,
) -> Result<Value<'a>> {
    let shape = shape
        .iter()
        .map(|size| match size {
            Value::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        })
        .collect::<Option<Vec<usize>>>()
        .context("an array's shape is not made of sizes")?;
    let needed = shape.iter().fold(element.size, |product, &size| product.saturating_mul(size));
    let found = bytes.as_ref().len();
    ensure!(needed == found, "an array of shape {shape:?} needs {needed} bytes, but has {found}");
    Ok(Value::Array(Array { shape, column_major, element, bytes: bytes.clone() }))
}
