//! Protocol 0, which writes everything as lines of text, and the text encodings of the protocols up to 2.

use std::slice::Iter;

use anyhow::{Context, Result, bail};

use super::value::Value;

/// The number or truth value (`00`, `01`) of a line.
///
/// # Errors
///
/// If it is none, or larger than 8 bytes.
pub fn integer<'a>(line: &[u8]) -> Result<Value<'a>> {
    match line {
        b"00" => Ok(Value::Bool(false)),
        b"01" => Ok(Value::Bool(true)),
        _ => {
            let text = std::str::from_utf8(line).ok().map(|text| text.trim_end_matches('L'));
            let number = text.and_then(|text| text.parse().ok());
            number.map(Value::Int).context("a number is malformed, or larger than 8 bytes")
        }
    }
}

/// A string as Python 2 writes it: quoted, with `\x00`, `\n`, `\\` and the like.
///
/// # Errors
///
/// If it is not in quotes, or an escape is none of Python's.
pub fn quoted(line: &[u8]) -> Result<Vec<u8>> {
    let ([b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"']) = line else {
        bail!("a string is not in quotes")
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match (byte, rest.as_slice().first()) {
            (b'\\', None) => bail!("a string ends within an escape"),
            (b'\\', Some(&escape)) => {
                rest.next();
                match escape {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'x' => u8::try_from(digits(&mut rest, 2)?)?,
                    b'\\' | b'\'' | b'"' => escape,
                    _ => bail!("the escape \\{} in a string", escape.escape_ascii()),
                }
            }
            (_, _) => byte,
        });
    }
    Ok(bytes)
}

/// Text of protocol 0, which is Latin-1 with `\u0000` for what would end the line, as UTF-8.
///
/// # Errors
///
/// If an escape is not hexadecimal, or no character.
pub fn raw_unicode_escape(line: &[u8]) -> Result<Vec<u8>> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.iter();
    while let Some(&byte) = rest.next() {
        let n_digits = match (byte, rest.as_slice().first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (_, _) => 0,
        };
        let code = if n_digits == 0 {
            u32::from(byte)
        } else {
            rest.next();
            digits(&mut rest, n_digits)?
        };
        text.push(char::from_u32(code).context("an escape is no character")?);
    }
    Ok(text.into_bytes())
}

/// UTF-8 as Latin-1, where every character is one byte.
///
/// # Errors
///
/// If a character has no place there.
pub fn latin1(utf8: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(utf8).context("text is not UTF-8")?;
    let bytes = text.chars().map(|letter| u8::try_from(letter).ok());
    bytes.collect::<Option<Vec<u8>>>().context("text that stands for bytes is not Latin-1")
}

fn digits(rest: &mut Iter<u8>, n: usize) -> Result<u32> {
    let mut number = 0;
    for _ in 0..n {
        let digit = rest.next().and_then(|&byte| char::from(byte).to_digit(16));
        number = number * 16 + digit.context("an escape is not hexadecimal")?;
    }
    Ok(number)
}
