//! Checkpoints of runs that train together as the bytes of one safetensors file, bound by one SHA-256.
//!
//! The file's metadata hold one entry, `ocs`: a JSON map whose first field is the checksum and whose others are the writer's.
//! Words of members (JSON) are tensors of bytes beside those of their networks.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::{Dtype, SafeTensors, View};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use super::checkpoint::NamedTensors;
use crate::file::hex;

/// The entry of the file's metadata.
const ENTRY: &str = "ocs";
/// The entry that says after how many updates tensors were taken.
const STEP: &str = "step";
/// What stands before the checksum in a header, where quotes of JSON in JSON are escaped.
const BEFORE_SUM: &[u8] = br#"{\"sha256\":\""#;
/// Digits of a checksum.
const DIGITS: usize = 64;
/// Longest header that is read: names and shapes of a million tensors.
const LONGEST_HEADER: u64 = 1 << 28;

/// Metadata with the checksum of the file, whose own digits count as zeros.
#[derive(Serialize, Deserialize)]
struct Sealed<H> {
    sha256: String,
    #[serde(flatten)]
    head: H,
}

/// A tensor of the file.
struct Written<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// What a file is made of besides its head: words and tensors, all names different.
#[derive(Default)]
pub struct Contents {
    /// Texts by name.
    pub texts: Vec<(String, Vec<u8>)>,
    /// Tensors by name, on the CPU.
    pub tensors: NamedTensors,
}

/// The file's bytes.
///
/// # Errors
///
/// If a tensor is of a kind that checkpoints do not keep, or two have one name.
pub fn to_bytes<H: Serialize>(head: &H, contents: &Contents) -> Result<Vec<u8>> {
    let zeros = "0".repeat(DIGITS);
    let head = serde_json::to_string(&Sealed { sha256: zeros, head })?;
    let mut written: Vec<(&str, Written)> = Vec::new();
    for (name, text) in &contents.texts {
        let shape = vec![text.len()];
        written.push((name, Written { dtype: Dtype::U8, shape, bytes: Cow::Borrowed(text) }));
    }
    for (name, tensor) in &contents.tensors {
        written.push((name, written_of(tensor)?));
    }
    let metadata = HashMap::from([(ENTRY.to_owned(), head)]);
    let mut bytes = safetensors::serialize(written, Some(metadata))?;
    let place = place_of_sum(&bytes).context("a header without its checksum")?;
    let sum = hex(&Sha256::digest(&bytes));
    bytes[place..place + DIGITS].copy_from_slice(sum.as_bytes());
    Ok(bytes)
}

/// Tensors after so many updates as the bytes of a safetensors file of their own, for other programs.
///
/// # Errors
///
/// As `to_bytes`.
pub fn bytes_of_tensors(tensors: &NamedTensors, step: u64) -> Result<Vec<u8>> {
    let written = tensors.iter().map(|(name, tensor)| Ok((&**name, written_of(tensor)?)));
    let metadata = HashMap::from([(STEP.to_owned(), step.to_string())]);
    Ok(safetensors::serialize(written.collect::<Result<Vec<_>>>()?, Some(metadata))?)
}

/// Reads what `bytes_of_tensors` gave: step and tensors.
///
/// # Errors
///
/// Says what is wrong.
pub fn tensors_of_bytes(bytes: &[u8]) -> Result<(u64, NamedTensors)> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let step = metadata.metadata().as_ref().and_then(|words| words.get(STEP));
    let step = step.context("it does not say its step")?.parse()?;
    let file = SafeTensors::deserialize(bytes)?;
    let tensors = file.tensors().into_iter().map(|(name, view)| {
        let size: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &size, kind_of(view.dtype())?)?;
        Ok((name, tensor))
    });
    Ok((step, tensors.collect::<Result<_>>()?))
}

fn written_of(tensor: &Tensor) -> Result<Written<'static>> {
    let dtype = dtype_of(tensor.kind())?;
    let shape = tensor.size().iter().map(|&n| n as usize).collect();
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.contiguous().f_copy_data_u8(&mut bytes, tensor.numel())?;
    Ok(Written { dtype, shape, bytes: Cow::Owned(bytes) })
}

/// Reads the file's bytes, if every one of them is as it was written.
///
/// # Errors
///
/// Says what is wrong.
pub fn from_bytes<H: DeserializeOwned>(mut bytes: Vec<u8>) -> Result<(H, Contents)> {
    let place = place_of_sum(&bytes).context("it is cut short, or not written by this program")?;
    let digits = bytes.get(place..place + DIGITS).context("it is cut short")?.to_vec();
    bytes[place..place + DIGITS].fill(b'0');
    let sum = hex(&Sha256::digest(&bytes));
    ensure!(
        sum.as_bytes() == digits,
        "its checksum is {:.12}..., not {:.12}... as it was written",
        sum,
        String::from_utf8_lossy(&digits)
    );
    let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
    let head = head_of(metadata.metadata().as_ref())?;
    let mut contents = Contents::default();
    let file = SafeTensors::deserialize(&bytes)?;
    let mut tensors = file.tensors();
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, view) in tensors {
        if view.dtype() == Dtype::U8 {
            contents.texts.push((name, view.data().to_vec()));
            continue;
        }
        let size: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        let kind = kind_of(view.dtype())?;
        contents.tensors.push((name, Tensor::f_from_data_size(view.data(), &size, kind)?));
    }
    Ok((head, contents))
}

/// What the head of a file says, without making sure that the file is whole.
///
/// # Errors
///
/// If it has none.
pub fn read_head<H: DeserializeOwned>(path: &Path) -> Result<H> {
    let mut file = std::fs::File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    ensure!(length <= LONGEST_HEADER, "its header is damaged");
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    #[derive(Deserialize)]
    struct Header {
        __metadata__: HashMap<String, String>,
    }
    let header: Header = serde_json::from_slice(&header)?;
    head_of(Some(&header.__metadata__))
}

fn head_of<H: DeserializeOwned>(metadata: Option<&HashMap<String, String>>) -> Result<H> {
    let text = metadata.and_then(|metadata| metadata.get(ENTRY));
    let text = text.context("it is not written by this program")?;
    let Sealed { head, .. } =
        serde_json::from_str(text).context("it is of another version of this program")?;
    Ok(head)
}

/// Where the checksum's digits begin.
fn place_of_sum(bytes: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let header = bytes.get(8..8 + usize::try_from(length.min(LONGEST_HEADER)).ok()?)?;
    let found = header.windows(BEFORE_SUM.len()).position(|part| part == BEFORE_SUM)?;
    Some(8 + found + BEFORE_SUM.len())
}

fn dtype_of(kind: Kind) -> Result<Dtype> {
    Ok(match kind {
        Kind::Float => Dtype::F32,
        Kind::Double => Dtype::F64,
        Kind::BFloat16 => Dtype::BF16,
        Kind::Int64 => Dtype::I64,
        other => bail!("checkpoints keep no tensors of kind {other:?}"),
    })
}

fn kind_of(dtype: Dtype) -> Result<Kind> {
    Ok(match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        other => bail!("checkpoints keep no tensors of type {other:?}"),
    })
}
