//! Pickle's stack machine, bounded: no file makes it allocate much more than the file's own size, or nest without end.

use std::collections::HashMap;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

use super::literals;
use super::numpy::{built, call, named};
use super::value::{Bytes, Value, integer};

/// Values of a small pickle: keys, element types, one array's parts.
const FEW_VALUES: usize = 1 << 12;

/// Values that each image may add: a label, by protocol 2 of numpy integers a dozen, and a file's name.
const VALUES_OF_AN_IMAGE: usize = 32;

/// Bytes of an image: a file cannot hold more images than there is room for.
const IMAGE: usize = 3072;

/// Real batches nest to 4. Bounded because values are dropped recursively.
const MAX_DEPTH: usize = 16;

/// Pickle's stack machine.
pub struct Machine<'a> {
    input: &'a [u8],
    /// Position of the next instruction.
    pub at: usize,
    stack: Vec<Value<'a>>,
    memo: HashMap<u32, Value<'a>>,
    pushed: usize,
    /// Bytes decoded so far.
    decoded: usize,
}

impl<'a> Machine<'a> {
    pub fn new(input: &'a [u8]) -> Machine<'a> {
        let (stack, memo) = (Vec::new(), HashMap::new());
        Machine { input, at: 0, stack, memo, pushed: 0, decoded: 0 }
    }

    fn most_values(&self) -> usize {
        FEW_VALUES + self.input.len() / IMAGE * VALUES_OF_AN_IMAGE
    }

    /// Does one instruction; the last one yields the result. Codes and names are those of Python's `pickletools`.
    pub fn step(&mut self) -> Result<Option<Value<'a>>> {
        let opcode = self.byte()?;
        match opcode {
            // STOP
            b'.' => return self.pop().map(Some),
            // PROTO, FRAME
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            // MARK, POP
            b'(' => self.push(Value::Mark)?,
            b'0' => drop(self.pop()?),
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE, GET, BINGET, LONG_BINGET
            b'p' => self.line_key().and_then(|key| self.remember(key))?,
            b'q' => self.key(1).and_then(|key| self.remember(key))?,
            b'r' => self.key(4).and_then(|key| self.remember(key))?,
            0x94 => self.remember(u32::try_from(self.memo.len())?)?,
            b'g' => self.line_key().and_then(|key| self.recall(key))?,
            b'h' => self.key(1).and_then(|key| self.recall(key))?,
            b'j' => self.key(4).and_then(|key| self.recall(key))?,
            // GLOBAL, STACK_GLOBAL, REDUCE, BUILD
            b'c' => self.global()?,
            0x93 => self.stack_global()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            _ => self.literal_or_container(opcode)?,
        }
        Ok(None)
    }

    fn literal_or_container(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            // INT and LONG; BININT1, BININT2, BININT; LONG1, LONG4
            b'I' | b'L' => self.line().and_then(literals::integer).and_then(|int| self.push(int)),
            b'K' => self.integer(1, false),
            b'M' => self.integer(2, false),
            b'J' => self.integer(4, true),
            0x8a => self.long(1),
            0x8b => self.long(4),
            // FLOAT, BINFLOAT
            b'F' => self.line().and_then(|_| self.push(Value::Float)),
            b'G' => self.skip(8).and_then(|()| self.push(Value::Float)),
            // STRING, UNICODE
            b'S' => self.line().and_then(literals::quoted).and_then(|text| self.decoded(text)),
            b'V' => {
                let line = self.line()?;
                literals::raw_unicode_escape(line).and_then(|text| self.decoded(text))
            }
            // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
            b'U' | b'C' | 0x8c => self.string(1),
            // BINSTRING, BINBYTES, BINUNICODE
            b'T' | b'B' | b'X' => self.string(4),
            // BINBYTES8, BINUNICODE8, BYTEARRAY8
            0x8e | 0x8d | 0x96 => self.string(8),
            // NEXT_BUFFER
            0x97 => bail!(
                "its arrays were pickled out of band, into other files: pickle them without buffer_callback"
            ),
            _ => self.container(opcode),
        }
    }

    fn container(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            // EMPTY_LIST, EMPTY_DICT, EMPTY_TUPLE
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            // LIST, DICT: of what stands above a mark
            b'l' => self.push_filled(Value::List(Vec::new()), Self::append),
            b'd' => self.push_filled(Value::Dict(Vec::new()), Self::set_items),
            // TUPLE1 to TUPLE3, TUPLE
            0x85..=0x87 => {
                self.pop_last(usize::from(opcode - 0x84)).and_then(|items| self.push_tuple(items))
            }
            b't' => self.pop_to_mark().and_then(|items| self.push_tuple(items)),
            // APPEND, APPENDS, SETITEM, SETITEMS
            b'a' => self.pop_last(1).and_then(|items| self.append(items)),
            b'e' => self.pop_to_mark().and_then(|items| self.append(items)),
            b's' => self.pop_last(2).and_then(|items| self.set_items(items)),
            b'u' => self.pop_to_mark().and_then(|items| self.set_items(items)),
            _ => bail!("instruction 0x{opcode:02x} does not occur in image batches"),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.input[self.at..];
        ensure!(
            length <= rest.len(),
            "truncated: {length} more bytes promised, {} left",
            rest.len()
        );
        self.at += length;
        Ok(&rest[..length])
    }

    fn skip(&mut self, length: usize) -> Result<()> {
        self.take(length).map(|_| ())
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian integer of at most 8 bytes.
    fn number(&mut self, length: usize, signed: bool) -> Result<i64> {
        let bytes = self.take(length)?;
        integer(bytes, signed).with_context(|| too_long(length))
    }

    fn integer(&mut self, length: usize, signed: bool) -> Result<()> {
        let number = self.number(length, signed)?;
        self.push(Value::Int(number))
    }

    /// An integer that says its own length.
    fn long(&mut self, length_bytes: usize) -> Result<()> {
        let length = usize::try_from(self.number(length_bytes, false)?)?;
        ensure!(length <= 8, too_long(length));
        self.integer(length, true)
    }

    fn string(&mut self, length_bytes: usize) -> Result<()> {
        let length = self.number(length_bytes, false)?;
        let length = usize::try_from(length).context("a string's length is not sensible")?;
        let bytes = self.take(length)?;
        self.push(Value::Bytes(Bytes::Of(bytes)))
    }

    /// Text or bytes that had to be decoded. In a pickle of bytes by protocol 0 both the text and the bytes are.
    fn decoded(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.count_decoded(bytes.len())?;
        self.push(Value::Bytes(Bytes::Decoded(Rc::new(bytes))))
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        self.pushed += 1;
        let most = self.most_values();
        ensure!(
            self.pushed <= most,
            "more than {most} values, too many for images in {} bytes",
            self.input.len()
        );
        self.stack.push(value);
        Ok(())
    }

    fn push_tuple(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        ensure_shallow(&items)?;
        self.push(Value::Tuple(items))
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        match self.stack.pop() {
            Some(Value::Mark) | None => bail!("a value is missing"),
            Some(value) => Ok(value),
        }
    }

    /// The topmost `n` values, topmost last.
    fn pop_last(&mut self, n: usize) -> Result<Vec<Value<'a>>> {
        let mut values = (0..n).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        values.reverse();
        Ok(values)
    }

    /// Pushes an empty container with what stands above a mark in it.
    fn push_filled(
        &mut self,
        empty: Value<'a>,
        fill: fn(&mut Self, Vec<Value<'a>>) -> Result<()>,
    ) -> Result<()> {
        let items = self.pop_to_mark()?;
        self.push(empty)?;
        fill(self, items)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark);
        let mark = mark.context("a mark is missing")?;
        let values = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(values)
    }

    fn append(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        ensure_shallow(&items)?;
        let Some(Value::List(list)) = self.stack.last_mut() else { bail!("items without a list") };
        list.extend(items);
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        ensure_shallow(&items)?;
        ensure!(items.len().is_multiple_of(2), "a key without a value");
        let Some(Value::Dict(entries)) = self.stack.last_mut() else {
            bail!("entries without a dictionary")
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    fn line(&mut self) -> Result<&'a [u8]> {
        let length = self.input[self.at..].iter().position(|&byte| byte == b'\n');
        let line = self.take(length.context("truncated: a name does not end")?)?;
        self.skip(1)?;
        Ok(line)
    }

    fn global(&mut self) -> Result<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global(named(module, name)?))
    }

    fn stack_global(&mut self) -> Result<()> {
        match self.pop_last(2)?.as_slice() {
            [Value::Bytes(module), Value::Bytes(name)] => {
                self.push(Value::Global(named(module.as_ref(), name.as_ref())?))
            }
            _ => bail!("a name is not a string"),
        }
    }

    /// Does what one of the known functions would.
    fn reduce(&mut self) -> Result<()> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let Value::Tuple(arguments) = arguments else { bail!("a call's arguments are no tuple") };
        let value = call(&function, &arguments)?;
        if let Value::Bytes(Bytes::Decoded(bytes)) = &value {
            self.count_decoded(bytes.len())?;
        }
        self.push(value)
    }

    /// Gives an array or an element type its state.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let object = self.pop()?;
        self.push(built(object, &state)?)
    }

    /// Decoded text is at most twice as long as its source, and bytes no longer than their text: more is a reference to
    /// one text that is encoded again and again.
    fn count_decoded(&mut self, length: usize) -> Result<()> {
        self.decoded += length;
        let most = self.input.len().saturating_mul(3);
        ensure!(self.decoded <= most, "it unpacks to more than {most} bytes");
        Ok(())
    }

    fn key(&mut self, length: usize) -> Result<u32> {
        Ok(u32::try_from(self.number(length, false)?)?)
    }

    fn line_key(&mut self) -> Result<u32> {
        let text = std::str::from_utf8(self.line()?).ok();
        text.and_then(|text| text.parse().ok()).context("a reference is no number")
    }

    /// Containers are not kept: they may still grow, and batches never refer back to one.
    fn remember(&mut self, key: u32) -> Result<()> {
        let value = match self.stack.last().context("nothing to remember")? {
            Value::Tuple(_)
            | Value::List(_)
            | Value::Dict(_)
            | Value::Array(_)
            | Value::EmptyArray
            | Value::Mark => Value::Mark,
            value @ (Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float
            | Value::Bytes(_)
            | Value::Global(_)
            | Value::Element(_)) => value.clone(),
        };
        let most = self.most_values();
        ensure!(self.memo.len() < most, "more than {most} values to remember");
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<()> {
        match self.memo.get(&key) {
            None => bail!("nothing is remembered under {key}"),
            Some(Value::Mark) => {
                bail!("a reference to a container does not occur in image batches")
            }
            Some(value) => self.push(value.clone()),
        }
    }
}

fn ensure_shallow(items: &[Value<'_>]) -> Result<()> {
    ensure!(items.iter().all(|item| item.depth() < MAX_DEPTH), "nested more than {MAX_DEPTH} deep");
    Ok(())
}

fn too_long(length: usize) -> String {
    format!("an integer of {length} bytes")
}
