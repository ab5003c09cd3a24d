//! The part of Python's pickle format that CIFAR-10's Python batches use: a dictionary of numbers, strings, sequences and
//! numpy arrays, as written by Python 2 and 3 with any protocol from 0 to 5, and by numpy 1 and 2.
//!
//! Nothing is executed: a pickle names functions, and of those only the few with which numpy and Python write arrays,
//! scalars and bytes are known, by what they mean. That is why no general crate reads them: serde-pickle drops the
//! arguments of calls that it does not resolve, and an array's contents are such arguments. Strings and arrays borrow from
//! the input where the protocol keeps them as they are.

mod literals;
mod machine;
mod numpy;
mod value;

use anyhow::Result;

use machine::Machine;
pub use value::Value;

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
