//! Pickle's stack machine, bounded: no file makes it allocate much more than the file's own size, or nest without end.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

use super::{Global, Value, array, named};

/// Real batches have some 20,000 values.
const MAX_VALUES: usize = 1 << 20;

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
}

impl<'a> Machine<'a> {
    pub fn new(input: &'a [u8]) -> Machine<'a> {
        Machine { input, at: 0, stack: Vec::new(), memo: HashMap::new(), pushed: 0 }
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
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => self.key(1).and_then(|key| self.remember(key))?,
            b'r' => self.key(4).and_then(|key| self.remember(key))?,
            0x94 => self.remember(u32::try_from(self.memo.len())?)?,
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
            // BININT1, BININT2, BININT, LONG1
            b'K' => self.integer(1, false),
            b'M' => self.integer(2, false),
            b'J' => self.integer(4, true),
            0x8a => self.long(),
            // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
            b'U' | b'C' | 0x8c => self.string(1),
            // BINSTRING, BINBYTES, BINUNICODE
            b'T' | b'B' | b'X' => self.string(4),
            // BINBYTES8, BINUNICODE8
            0x8e | 0x8d => self.string(8),
            // EMPTY_LIST, EMPTY_DICT, EMPTY_TUPLE
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
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
        let negative = signed && bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut word = [if negative { 0xff } else { 0 }; 8];
        word[..length].copy_from_slice(bytes);
        Ok(i64::from_le_bytes(word))
    }

    fn integer(&mut self, length: usize, signed: bool) -> Result<()> {
        let number = self.number(length, signed)?;
        self.push(Value::Int(number))
    }

    fn long(&mut self) -> Result<()> {
        let length = usize::from(self.byte()?);
        ensure!(length <= 8, "an integer of {length} bytes");
        self.integer(length, true)
    }

    fn string(&mut self, length_bytes: usize) -> Result<()> {
        let length = self.number(length_bytes, false)?;
        let length = usize::try_from(length).context("a string's length is not sensible")?;
        let bytes = self.take(length)?;
        self.push(Value::Bytes(bytes))
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        self.pushed += 1;
        ensure!(self.pushed <= MAX_VALUES, "more than {MAX_VALUES} values");
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
            &[Value::Bytes(module), Value::Bytes(name)] => {
                self.push(Value::Global(named(module, name)?))
            }
            _ => bail!("a name is not a string"),
        }
    }

    /// Calls one of the two functions that are known.
    fn reduce(&mut self) -> Result<()> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let Value::Tuple(arguments) = arguments else { bail!("a call's arguments are no tuple") };
        match (function, arguments.first()) {
            (Value::Global(Global::Reconstruct), Some(Value::Global(Global::Ndarray))) => {
                self.push(Value::EmptyArray)
            }
            (Value::Global(Global::Dtype), Some(Value::Bytes(name))) => {
                self.push(Value::Dtype(matches!(*name, b"u1" | b"|u1")))
            }
            _ => bail!("a call that does not occur in image batches"),
        }
    }

    /// Gives an array or an element type its state. An element type of single bytes has nothing to add.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        match self.pop()? {
            dtype @ Value::Dtype(_) => self.push(dtype),
            Value::EmptyArray => self.push(Value::Array(array(&state)?)),
            _ => bail!("a state for what is neither array nor element type"),
        }
    }

    fn key(&mut self, length: usize) -> Result<u32> {
        Ok(u32::try_from(self.number(length, false)?)?)
    }

    /// Containers are not kept: they may still grow, and batches never refer back to one.
    fn remember(&mut self, key: u32) -> Result<()> {
        let value = match self.stack.last().context("nothing to remember")? {
            Value::Tuple(_) | Value::List(_) | Value::Dict(_) | Value::Array(_) => Value::Mark,
            value => value.clone(),
        };
        ensure!(self.memo.len() < MAX_VALUES, "more than {MAX_VALUES} values");
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
