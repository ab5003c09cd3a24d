//! Batches pickled by real Pythons and numpys (`tests/data/pickles.py`), and pickles that want more than they hold.

use std::fs;
use std::io::Read;
use std::path::Path;

use ocs::config::Inputs;
use ocs::data::{Split, load};

/// Names and bytes of all pickles that were kept.
fn pickles() -> Vec<(String, Vec<u8>)> {
    let text = include_str!("data/pickles.json");
    let kept: std::collections::BTreeMap<String, String> = serde_json::from_str(text).unwrap();
    let bytes_of = |hex: &str| -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let packed: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    kept.into_iter().map(|(name, hex)| (name, bytes_of(&hex))).collect()
}

/// The formula of `pickles.py`.
fn expected() -> Split {
    let pixels = (0..2 * 3072_usize).map(|at| ((at / 1024 + at) % 61) as u8).collect();
    Split { pixels, classes: vec![7, 2] }
}

fn write_all(folder: &Path, bytes: &[u8]) {
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join("test_batch"), bytes).unwrap();
}

/// What loading says of a batch.
fn loaded(bytes: &[u8]) -> Result<Split, String> {
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path(), bytes);
    let dataset = load(Inputs::Cifar10, folder.path());
    dataset.map(|dataset| (*dataset.test).clone()).map_err(|error| format!("{error:#}"))
}

#[test]
fn batches_pickled_by_any_python_numpy_and_protocol_are_read() {
    let pickles = pickles();
    for protocol in 0..=5 {
        let of_protocol = format!("protocol {protocol},");
        assert!(pickles.iter().filter(|(name, _)| name.contains(&of_protocol)).count() >= 5);
    }
    for (name, bytes) in pickles {
        assert_eq!(loaded(&bytes), Ok(expected()), "{name}");
    }
}

/// Two zero images and labels, in protocol 2 with `labels` as given instructions.
fn batch_with(labels: &[u8], more: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}(U\x06labels".to_vec();
    bytes.extend(labels);
    bytes.extend(
        b"U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
    );
    bytes.extend(b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN");
    bytes.extend(b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x0c\x00\x00");
    bytes.extend([0; 3072]);
    bytes.extend(b"tb");
    bytes.extend(more);
    bytes.extend(b"u.");
    bytes
}

#[test]
fn labels_that_are_no_classes_are_refused_in_every_form() {
    assert!(loaded(&batch_with(b"]K\x09a", b"")).is_ok());
    for (labels, part) in [
        (&b"]J\xff\xff\xff\xffa"[..], "class -1"),
        (b"]K\x0aa", "class 10"),
        (b"]M\x01\x01a", "class 257"),
        (b"]Na", "'labels'"),
        (b"]G\0\0\0\0\0\0\0\0a", "'labels'"),
        (b"U\x01\x01", "'labels'"),
        (b"}", "'labels'"),
        (b"]K\x01aK\x02a", "2 labels"),
    ] {
        let error = loaded(&batch_with(labels, b"")).unwrap_err();
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    // numpy's unsigned 8 bytes that no signed number holds.
    let scalar = b"]cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02u8\x85RC\x08\xff\xff\xff\xff\xff\xff\xff\xff\x86Ra";
    let error = loaded(&batch_with(scalar, b"")).unwrap_err();
    assert!(error.contains("larger than 8 bytes"), "{error}");
}

#[test]
fn a_pickle_names_what_it_would_run_and_nothing_is_run() {
    for (call, name) in [
        (&b"cos\nsystem\nU\x04true\x85R"[..], "os.system"),
        (b"c__builtin__\neval\nU\x011\x85R", "__builtin__.eval"),
        (b"\x8c\x08builtins\x8c\x04exec\x93U\x011\x85R", "builtins.exec"),
        (b"cnumpy\nload\nU\x01x\x85R", "numpy.load"),
        (b"c_codecs\ndecode\nU\x01x\x85R", "_codecs.decode"),
    ] {
        let error = loaded(&batch_with(b"]K\x01a", &[b"U\x01x", call].concat())).unwrap_err();
        assert!(error.contains(name) && error.contains("does not run"), "{error}");
    }
}

#[test]
fn arrays_out_of_band_of_floats_or_of_other_shapes_say_so() {
    let mut floats = batch_with(b"]K\x01a", b"");
    let name = floats.windows(4).position(|window| window == b"U\x02u1").unwrap();
    floats[name + 2..name + 4].copy_from_slice(b"f4");
    assert!(loaded(&floats).unwrap_err().contains("uint8"));
    let buffer = batch_with(b"]K\x01a", b"U\x01x\x97");
    assert!(loaded(&buffer).unwrap_err().contains("out of band"));
}

#[test]
fn a_small_pickle_cannot_ask_for_much_memory() {
    // Each of these took a hundred times the file's size, or more.
    let long = vec![b'N'; 1 << 20];
    let values = [b"(".to_vec(), long, b"t.".to_vec()].concat();
    assert!(loaded(&values).unwrap_err().contains("too many for images"));
    let remembered = [b"N".to_vec(), vec![0x94; 1 << 20], b".".to_vec()].concat();
    assert!(loaded(&remembered).unwrap_err().contains("to remember"));
    // One text, encoded again and again.
    let mut encoded = b"c_codecs\nencode\nq\x00X\x00\x00\x01\x00".to_vec();
    encoded.extend([b'a'; 1 << 16]);
    encoded.extend(b"q\x01X\x06\x00\x00\x00latin1q\x02(");
    for _ in 0..500 {
        encoded.extend(b"h\x00h\x01h\x02\x86R");
    }
    encoded.extend(b"t.");
    assert!(loaded(&encoded).unwrap_err().contains("unpacks to more than"));
    // Lengths that nothing in the file backs.
    for promise in
        [&b"\x8e\xff\xff\xff\xff\0\0\0\0"[..], b"\x96\0\0\0\0\0\x01\0\0", b"\x8b\xff\xff\xff\x7f"]
    {
        let error = loaded(promise).unwrap_err();
        assert!(error.contains("truncated") || error.contains("2147483647 bytes"), "{error}");
    }
}

#[test]
fn text_protocols_with_malformed_lines_are_errors() {
    for (bytes, part) in [
        (&b"I12x\n."[..], "number is malformed"),
        (b"L99999999999999999999L\n.", "larger than 8 bytes"),
        (b"Sabc\n.", "not in quotes"),
        (b"S'a\\q'\n.", "escape"),
        (b"S'a\\x4'\n.", "hexadecimal"),
        (b"S'\\'\n.", "escape"),
        (b"V\\u00g0\n.", "hexadecimal"),
        (b"V\\ud800\n.", "no character"),
        (b"gx\n.", "no number"),
        (b"l.", "mark is missing"),
        (b"c_codecs\nencode\n(V\\u0100\nVlatin1\ntR.", "not Latin-1"),
        (b"c_codecs\nencode\n(Va\nVrot13\ntR.", "encoding"),
    ] {
        let error = loaded(bytes).unwrap_err();
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}
