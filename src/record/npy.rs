//! NumPy's files: what stands before an array's bytes.

/// What stands before an array's bytes in a `.npy` (format 1.0 of NumPy's documentation): magic, a description as a Python
/// literal, padded to a multiple of 64.
pub fn header(kind: &str, shape: &[u64]) -> Vec<u8> {
    const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
    let mut sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    // A single one keeps its comma.
    sizes.truncate(sizes.len().saturating_sub(if shape.len() == 1 { 1 } else { 2 }));
    let words = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // The line's end counts.
    let before = MAGIC.len() + size_of::<u16>() + words.len() + 1;
    let padding = before.next_multiple_of(64) - before;
    let text = format!("{words}{}\n", " ".repeat(padding));
    [MAGIC, &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
}

/// An array of fixed width in code points of four bytes.
pub fn array_of_words(words: &[&str]) -> Vec<u8> {
    let longest = words.iter().map(|word| word.chars().count()).max().unwrap_or(0).max(1);
    let mut bytes = header(&format!("<U{longest}"), &[words.len() as u64]);
    for word in words {
        let points = word.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        bytes.extend(points.flat_map(u32::to_le_bytes));
    }
    bytes
}
